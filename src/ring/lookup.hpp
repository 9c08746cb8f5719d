#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "ring/bucket.hpp"
#include "ring/line.hpp"
#include "ring/points.hpp"

namespace nodepool::ring {

/// Leads from a hash to its owner in one cache line: hashes are uniform, so a multiplication finds the
/// bucket, and 16 bits of what is left nearly always tell its points apart. Whatever a line cannot tell (more
/// than 15 points, equal fragments, about one look-up in a hundred) is searched in the exact points, within
/// the bucket: at worst, where all points lie in one bucket, that is the binary search it replaces.
///
/// An immutable value that belongs to the points it was made from.
class LookUp {
 public:
  LookUp() = default;
  /// REQUIRES: each owner is below `owners`. O(P).
  LookUp(const Points& points, std::size_t owners);
  /// The same after a change: a copy, with new lines for buckets that it touched.
  [[nodiscard]] LookUp changed(const ChangedPoints& change, std::size_t owners) const;

  /// The owner of the first point >= `hash`, wrapping to the first; `Line::kCannotTell` if only `find` can
  /// say, as always where there are no points, or more owners than a line can name.
  [[nodiscard]] OwnerIndex owner(std::uint64_t hash) const noexcept {
    const BucketPlace place = bucket_of(hash, line_count_);
    return lines_.data()[place.number].owner(place.rest);
  }

  /// True if the lines do not fit the cache of a core: then it pays to look ahead.
  [[nodiscard]] bool is_great() const noexcept {
    return line_count_ > (std::size_t{1} << 20U) / sizeof(Line);
  }

  /// Begins to fetch what `owner` will read.
  void prefetch(std::uint64_t hash) const noexcept {
    __builtin_prefetch(lines_.data() + bucket_of(hash, line_count_).number);
  }

  /// Index of the first point >= `hash`; their number if there is none. REQUIRES: there are points.
  [[nodiscard]] std::size_t lower_bound(const Points& points, std::uint64_t hash) const noexcept;

  /// The same, wrapping to 0.
  [[nodiscard]] std::size_t find(const Points& points, std::uint64_t hash) const noexcept {
    const std::size_t place = lower_bound(points, hash);
    return place == points.hashes.size() ? 0 : place;
  }

 private:
  void write_line(const Points& points, std::size_t bucket);
  void write_lines_before(const Points& points, std::size_t bucket);

  std::vector<std::size_t> first_;  ///< Of each bucket, its first point; at the end, the number of points.
  /// Of each bucket. One that cannot tell anything if there are no points, or more owners than a line can
  /// name: so `owner` need not ask whether there are lines.
  std::vector<Line> lines_ = {Line::blank()};
  std::size_t line_count_ = 1;
};

}  // namespace nodepool::ring
