#pragma once

#include <cstddef>
#include <cstdint>

namespace nodepool::ring {

/// Where a hash falls when the hash space is cut into buckets of one size.
struct BucketPlace {
  std::size_t number = 0;  ///< Of the bucket.
  std::uint64_t rest = 0;  ///< The place in it, from 0 to 2^64 - 1; ascending with the hash.
};

/// The two halves of hash * buckets (Lemire 2019, "Fast random integer generation in an interval"). Any
/// number of buckets does, and order is kept: (number, rest) ascends with the hash.
inline BucketPlace bucket_of(std::uint64_t hash, std::size_t buckets) noexcept {
  __extension__ using Product = unsigned __int128;
  const Product product = Product{hash} * buckets;
  return {static_cast<std::size_t>(product >> 64U), static_cast<std::uint64_t>(product)};
}

}  // namespace nodepool::ring
