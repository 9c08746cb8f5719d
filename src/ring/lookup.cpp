#include "ring/lookup.hpp"

#include <algorithm>
#include <numeric>

namespace nodepool::ring {
namespace {

/// With 7 points on average, a bucket in 400 has more than the 15 that a line can hold.
constexpr std::size_t kLoad = 7;
/// How far the load may drift by changes before all lines are made anew.
constexpr std::size_t kLeastLoad = 5;
constexpr std::size_t kGreatestLoad = 9;

}  // namespace

LookUp::LookUp(const Points& points, std::size_t owners) {
  const auto& hashes = points.hashes;
  if (hashes.empty()) {
    return;
  }
  const std::size_t buckets = hashes.size() / kLoad + 1;
  first_.resize(buckets + 1);
  for (const std::uint64_t hash : hashes) {
    ++first_[bucket_of(hash, buckets).number + 1];
  }
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  if (owners > Line::kCannotTell) {
    return;
  }
  lines_.resize(buckets);
  line_count_ = buckets;
  for (std::size_t i = 0; i < buckets; ++i) {
    write_line(points, i);
  }
}

LookUp LookUp::changed(const ChangedPoints& change, std::size_t owners) const {
  const Points& points = change.points;
  const std::size_t count = points.hashes.size();
  const std::size_t buckets = first_.size() - 1;
  const bool is_loaded_well = count >= kLeastLoad * buckets && count <= kGreatestLoad * buckets;
  // Many touches touch most lines, and whole passes are faster than jumps.
  const bool is_small = change.touches.size() <= buckets / 4;
  if (line_count_ != buckets || owners > Line::kCannotTell || !is_loaded_well || !is_small) {
    return {points, owners};
  }
  LookUp result;
  result.lines_ = lines_;
  result.line_count_ = buckets;
  result.first_.resize(buckets + 1);
  std::size_t bucket = 0;
  std::size_t shift = 0;  // Modulo 2^64, so that it may be negative.
  for (const Touch& touch : change.touches) {
    for (const std::size_t touched = bucket_of(touch.hash, buckets).number; bucket <= touched; ++bucket) {
      result.first_[bucket] = first_[bucket] + shift;
    }
    shift = static_cast<std::size_t>(touch.shift);
  }
  for (; bucket <= buckets; ++bucket) {
    result.first_[bucket] = first_[bucket] + shift;
  }
  for (std::size_t done = buckets; const Touch& touch : change.touches) {
    const std::size_t touched = bucket_of(touch.hash, buckets).number;
    if (touched != done) {
      result.write_line(points, touched);
      result.write_lines_before(points, touched);
      done = touched;
    }
  }
  return result;
}

std::size_t LookUp::lower_bound(const Points& points, std::uint64_t hash) const noexcept {
  const std::size_t bucket = bucket_of(hash, first_.size() - 1).number;
  const auto begin = points.hashes.begin();
  const auto found = std::lower_bound(begin + static_cast<std::ptrdiff_t>(first_[bucket]),
                                      begin + static_cast<std::ptrdiff_t>(first_[bucket + 1]), hash);
  return static_cast<std::size_t>(found - begin);
}

void LookUp::write_line(const Points& points, std::size_t bucket) {
  Line& line = lines_[bucket];
  const std::size_t count = first_[bucket + 1] - first_[bucket];
  if (count > Line::kMaxPoints) {
    line = Line::blank();
    return;
  }
  // All lanes are written alike, whatever the count: a loop as long as the count would be guessed wrong. What
  // lies behind the next point's owner is never read.
  std::size_t at = first_[bucket];
  for (std::size_t lane = 0; lane < Line::kLanes; ++lane, ++at) {
    at = at < points.hashes.size() ? at : 0;
    const auto fragment = Line::fragment_of(bucket_of(points.hashes[at], line_count_).rest);
    line.fragments[lane] = lane < count ? fragment : Line::kEnd;
    line.owners[lane] = static_cast<Line::Owner>(points.owners[at]);
  }
}

/// The lines that end with the first point of this bucket, or of one behind it: back to one that has a point.
void LookUp::write_lines_before(const Points& points, std::size_t bucket) {
  std::size_t before = bucket;
  do {
    before = before == 0 ? line_count_ - 1 : before - 1;
    write_line(points, before);
  } while (first_[before] == first_[before + 1] && before != bucket);
}

}  // namespace nodepool::ring
