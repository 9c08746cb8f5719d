#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

/// The steps of XXH64 with seed 0 (Yann Collet's xxHash, doc/xxhash_spec.md). They are here, and not in the
/// library of that name, for two reasons: the points of a node share all steps but the last; and the steps
/// for the last bytes of a key can do without branches that nobody can foretell.
namespace nodepool::ring::xxh64 {

inline constexpr std::uint64_t kPrime1 = 0x9e3779b185ebca87;
inline constexpr std::uint64_t kPrime2 = 0xc2b2ae3d27d4eb4f;
inline constexpr std::uint64_t kPrime3 = 0x165667b19e3779f9;
inline constexpr std::uint64_t kPrime4 = 0x85ebca77c2b2ae63;
inline constexpr std::uint64_t kPrime5 = 0x27d4eb2f165667c5;

inline constexpr std::size_t kStripe = 32;

inline std::uint64_t read_eight(const char* bytes) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return std::endian::native == std::endian::little ? value : __builtin_bswap64(value);
}

inline constexpr std::uint64_t round(std::uint64_t lane, std::uint64_t input) noexcept {
  return std::rotl(lane + input * kPrime2, 31) * kPrime1;
}

inline constexpr std::uint64_t take_eight(std::uint64_t hash, std::uint64_t bytes) noexcept {
  return std::rotl(hash ^ round(0, bytes), 27) * kPrime1 + kPrime4;
}

inline constexpr std::uint64_t take_four(std::uint64_t hash, std::uint64_t bytes) noexcept {
  return std::rotl(hash ^ (bytes * kPrime1), 23) * kPrime2 + kPrime3;
}

inline constexpr std::uint64_t take_one(std::uint64_t hash, std::uint64_t byte) noexcept {
  return std::rotl(hash ^ (byte * kPrime5), 11) * kPrime1;
}

inline constexpr std::uint64_t finish(std::uint64_t hash) noexcept {
  hash = (hash ^ (hash >> 33U)) * kPrime2;
  hash = (hash ^ (hash >> 29U)) * kPrime3;
  return hash ^ (hash >> 32U);
}

/// Reads all whole stripes of 32 bytes off the text.
inline std::uint64_t take_stripes(std::string_view& text) noexcept {
  std::array<std::uint64_t, 4> lanes = {kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1};
  for (; text.size() >= kStripe; text.remove_prefix(kStripe)) {
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      lanes[i] = round(lanes[i], read_eight(text.data() + 8 * i));
    }
  }
  std::uint64_t hash =
      std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) + std::rotl(lanes[3], 18);
  for (const std::uint64_t lane : lanes) {
    hash = (hash ^ round(0, lane)) * kPrime1 + kPrime4;
  }
  return hash;
}

/// What is taken in before the last bytes: the length, and before it the whole stripes of `text`, if the
/// length is at least one. Reads them off the text.
inline std::uint64_t begin(std::string_view& text, std::size_t length) noexcept {
  return (length < kStripe ? kPrime5 : take_stripes(text)) + length;
}

/// The last 0 to 15 bytes, given as two words.
inline std::uint64_t take_tail(std::uint64_t hash, std::uint64_t low, std::uint64_t high,
                               std::size_t size) noexcept {
  if (size >= 8) {
    hash = take_eight(hash, low);
    low = high;
    size -= 8;
  }
  if (size >= 4) {
    hash = take_four(hash, low & 0xffffffffU);
    low >>= 32U;
    size -= 4;
  }
  for (; size > 0; --size) {
    hash = take_one(hash, low & 0xffU);
    low >>= 8U;
  }
  return finish(hash);
}

/// `yes` or `no`, both already computed: a conditional move, as the empty statement hides from the compiler
/// what either is made of, and with it the thought of a branch.
inline std::uint64_t choose(bool condition, std::uint64_t yes, std::uint64_t no) noexcept {
  asm("" : "+r"(yes));
  return condition ? yes : no;
}

/// The last 0 to 31 bytes of a text that has at least 8 before `end`. All steps are made, whether there are
/// bytes for them or not; those without are thrown away. Lengths of keys vary, and a wrong guess costs more.
inline std::uint64_t take_tail_evenly(std::uint64_t hash, std::string_view tail) noexcept {
  const char* const last_eight = tail.data() + tail.size() - 8;
#pragma GCC unroll 3
  for (std::size_t i = 0; i < 3; ++i) {
    const bool is_there = tail.size() >= 8 * (i + 1);
    const char* const place = is_there ? tail.data() + 8 * i : last_eight;
    hash = choose(is_there, take_eight(hash, read_eight(place)), hash);
  }
  const std::size_t left = tail.size() % 8;
  std::uint64_t bytes = (read_eight(last_eight) >> 8U) >> (56 - 8 * left);
  const bool has_four = (left & 4U) != 0;
  hash = choose(has_four, take_four(hash, bytes & 0xffffffffU), hash);
  bytes = choose(has_four, bytes >> 32U, bytes);
#pragma GCC unroll 3
  for (std::size_t i = 0; i < 3; ++i) {
    hash = choose((left & 3U) > i, take_one(hash, bytes & 0xffU), hash);
    bytes >>= 8U;
  }
  return finish(hash);
}

inline std::uint64_t hash(std::string_view text) noexcept {
  const std::size_t length = text.size();
  const std::uint64_t begun = begin(text, length);
  if (length >= 8) {
    return take_tail_evenly(begun, text);
  }
  std::uint64_t low = 0;
  for (std::size_t i = 0; i < length; ++i) {
    low |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
  }
  return take_tail(begun, low, 0, length);
}

}  // namespace nodepool::ring::xxh64
