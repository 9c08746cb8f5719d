#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nodepool::ring {

/// Index of the first hash >= `hash`, wrapping to 0. The only place that knows how points are searched.
/// REQUIRES: `hashes` ascending and not empty. O(log size); no allocation.
inline std::size_t find_point(const std::vector<std::uint64_t>& hashes, std::uint64_t hash) noexcept {
  const auto found = std::lower_bound(hashes.begin(), hashes.end(), hash);
  return found == hashes.end() ? 0 : static_cast<std::size_t>(found - hashes.begin());
}

}  // namespace nodepool::ring
