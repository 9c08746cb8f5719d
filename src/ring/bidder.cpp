#include "ring/bidder.hpp"

namespace nodepool::ring {
namespace {

/// Steele, Lea and Flood 2014: SplitMix64.
std::uint64_t next_random(std::uint64_t& state) noexcept {
  std::uint64_t z = state += 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

/// Newton's iteration modulo 2^32; each step doubles the number of right bits, beginning with 3.
std::uint32_t inverse_of_odd(std::uint32_t odd) noexcept {
  std::uint32_t inverse = odd;
  for (int step = 0; step < 4; ++step) inverse *= 2U - odd * inverse;
  return inverse;
}

}  // namespace

Bidder::Bidder(const RingNode& node)
    : weight_(node.weight), inverse_weight_(std::numeric_limits<std::uint64_t>::max() / node.weight) {
  std::uint64_t state = hash_key(node.name);
  for (std::size_t i = 0; i < forth_.size(); ++i) {
    const std::uint64_t random = next_random(state);
    forth_[i] = {static_cast<std::uint32_t>(random) | 1U, static_cast<std::uint32_t>(random >> 32U)};
    const std::uint32_t inverse = inverse_of_odd(forth_[i].factor);
    back_[back_.size() - 1 - i] = {inverse, 0U - forth_[i].summand * inverse};
  }
  fraction_seed_ = next_random(state);
}

}  // namespace nodepool::ring
