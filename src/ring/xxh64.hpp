#pragma once

#include <bit>
#include <cstdint>

/// The steps of XXH64 with seed 0 (Yann Collet's xxHash, doc/xxhash_spec.md), for hashes that share a part of
/// their work. Whole keys are hashed by the library itself.
namespace nodepool::ring::xxh64 {

inline constexpr std::uint64_t kPrime1 = 0x9e3779b185ebca87;
inline constexpr std::uint64_t kPrime2 = 0xc2b2ae3d27d4eb4f;
inline constexpr std::uint64_t kPrime3 = 0x165667b19e3779f9;
inline constexpr std::uint64_t kPrime4 = 0x85ebca77c2b2ae63;
inline constexpr std::uint64_t kPrime5 = 0x27d4eb2f165667c5;

inline constexpr std::uint64_t round(std::uint64_t lane, std::uint64_t input) noexcept {
  return std::rotl(lane + input * kPrime2, 31) * kPrime1;
}

/// One of the four lanes enters the hash when the last stripe of 32 bytes has been read.
inline constexpr std::uint64_t merge(std::uint64_t hash, std::uint64_t lane) noexcept {
  return (hash ^ round(0, lane)) * kPrime1 + kPrime4;
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

}  // namespace nodepool::ring::xxh64
