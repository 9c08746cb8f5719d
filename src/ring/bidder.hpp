#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "nodepool/ring.hpp"

/// What a node bids for the slots of the hash space (slots.hpp). Integers only, as libraries differ in the
/// last bit of log2(), and two nodes would disagree about an owner. In a header, as it is all that an auction
/// consists of.
namespace nodepool::ring {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t high_product(std::uint64_t left, std::uint64_t right) noexcept {
  return static_cast<std::uint64_t>((Wide{left} * right) >> 64U);
}

/// Bits behind the point of a logarithm. Before it, 6 are enough: no logarithm here is 54 or more.
inline constexpr unsigned kFractionBits = 57;
inline constexpr unsigned kSegmentBits = 9;
inline constexpr std::size_t kSegments = std::size_t{1} << kSegmentBits;

/// log2 of 1 + i/512 for i in 0..512, bit by bit: squaring doubles a logarithm. Integers only, as libraries
/// differ in the last bit of log2(), and two nodes would disagree about an owner.
constexpr std::array<std::uint64_t, kSegments + 1> make_logarithms() {
  std::array<std::uint64_t, kSegments + 1> logarithms{};
  for (std::size_t i = 0; i < kSegments; ++i) {
    std::uint64_t x = (std::uint64_t{1} << 63U) + (std::uint64_t{i} << (63U - kSegmentBits));
    std::uint64_t logarithm = 0;
    for (unsigned bit = 0; bit < kFractionBits; ++bit) {
      const std::uint64_t square = high_product(x, x);  // of a number from 1 to 4, with 62 bits of fraction
      const bool two_or_more = (square >> 63U) != 0;
      logarithm = (logarithm << 1U) + (two_or_more ? 1U : 0U);
      x = two_or_more ? square : square << 1U;
    }
    logarithms[i] = logarithm;
  }
  logarithms[kSegments] = std::uint64_t{1} << kFractionBits;
  return logarithms;
}

inline constexpr auto kLogarithms = make_logarithms();

/// -log2(u / 2^64), by straight lines between the 512 points of each octave: at most 0.05 % from the truth,
/// and never growing with u. REQUIRES: u > 0.
inline std::uint64_t minus_log2(std::uint64_t u) noexcept {
  const auto octave = static_cast<unsigned>(std::countl_zero(u));
  const std::uint64_t fraction = (u << octave) << 1U;  // without the leading one
  const std::size_t segment = fraction >> (64U - kSegmentBits);
  const std::uint64_t step = kLogarithms[segment + 1] - kLogarithms[segment];
  const std::uint64_t logarithm = kLogarithms[segment] + high_product(step, fraction << kSegmentBits);
  return ((std::uint64_t{octave} + 1) << kFractionBits) - logarithm;
}

/// A bid for a slot; the least wins.
using Bid = std::uint64_t;

/// How one node bids. All from the hash of its name, and from its weight.
class Bidder {
 public:
  explicit Bidder(const RingNode& node);

  /// The slot of the k-th visit; `visit_of` is the inverse.
  [[nodiscard]] std::uint32_t slot_of(std::uint32_t visit, unsigned bits) const noexcept;
  [[nodiscard]] std::uint32_t visit_of(std::uint32_t slot, unsigned bits) const noexcept;
  /// The bid of the k-th visit. Never falls with `visit`.
  [[nodiscard]] Bid bid_at(std::uint32_t visit, unsigned bits) const noexcept;
  /// False only if the bid of this visit is certainly greater than `bid`: cheaper than the bid itself.
  [[nodiscard]] bool may_undercut(Bid bid, std::uint32_t visit, unsigned bits) const noexcept;

 private:
  /// One round of a permutation: x * factor + summand, modulo a power of two. The factor is odd.
  struct Round {
    std::uint32_t factor = 1;
    std::uint32_t summand = 0;
  };
  static std::uint32_t permute(const std::array<Round, 3>& rounds, std::uint32_t x, unsigned bits) noexcept;

  std::array<Round, 3> back_;   ///< From slot to visit.
  std::array<Round, 3> forth_;  ///< From visit to slot.
  std::uint32_t weight_;
  std::uint64_t inverse_weight_;  ///< 2^64 / weight.
  std::uint64_t fraction_seed_;   ///< Where in its part of 0..1 a visit's v lies.
};

/// Multiplying mixes upwards, folding the upper half onto the lower one mixes downwards; both can be undone.
inline std::uint32_t Bidder::permute(const std::array<Round, 3>& rounds, std::uint32_t x,
                                     unsigned bits) noexcept {
  const std::uint32_t mask = (std::uint32_t{1} << bits) - 1U;
  const unsigned half = (bits + 1) / 2;
  x = (x * rounds[0].factor + rounds[0].summand) & mask;
  x ^= x >> half;
  x = (x * rounds[1].factor + rounds[1].summand) & mask;
  x ^= x >> half;
  return (x * rounds[2].factor + rounds[2].summand) & mask;
}

inline std::uint32_t Bidder::slot_of(std::uint32_t visit, unsigned bits) const noexcept {
  return permute(forth_, visit, bits);
}

inline std::uint32_t Bidder::visit_of(std::uint32_t slot, unsigned bits) const noexcept {
  return permute(back_, slot, bits);
}

inline Bid Bidder::bid_at(std::uint32_t visit, unsigned bits) const noexcept {
  std::uint64_t fraction = (fraction_seed_ ^ visit) * 0xBF58476D1CE4E5B9U;
  fraction = (fraction ^ (fraction >> 32U)) * 0x94D049BB133111EBU;
  const std::uint64_t v = ((std::uint64_t{visit} << 32U) | (fraction >> 32U)) << (32U - bits);
  return high_product(minus_log2(~v), inverse_weight_);
}

/// -log2(1 - v) >= v * 1.4375. Eight bits less than a bid has leave room for the weight, and the 2 more than
/// makes up for what was cut off.
inline bool Bidder::may_undercut(Bid bid, std::uint32_t visit, unsigned bits) const noexcept {
  constexpr Bid kBeyondAll = Bid{1} << 50U;
  const std::uint64_t at_least = (std::uint64_t{visit} * 23U) << (kFractionBits - 8U - 4U - bits);
  return at_least < (std::min(bid >> 8U, kBeyondAll) + 2U) * weight_;
}

}  // namespace nodepool::ring
