#include "ring/lookup.hpp"

#include <algorithm>

namespace nodepool::ring {
namespace {

/// With 8 points on average, a bucket in 120 has more than the 15 that a line can hold.
constexpr std::size_t kLoad = 8;
/// How far the load may drift by changes before all lines are made anew.
constexpr std::size_t kLeastLoad = 6;
constexpr std::size_t kGreatestLoad = 9;

}  // namespace

LookUp::LookUp(const Points& points, std::size_t owners) {
  const auto& hashes = points.hashes;
  if (hashes.empty()) {
    return;
  }
  const std::size_t buckets = hashes.size() / kLoad + 1;
  first_.resize(buckets + 1);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    first_[bucket_of(hashes[i], buckets).number + 1] = i + 1;
  }
  for (std::size_t i = 1; i <= buckets; ++i) {
    first_[i] = std::max(first_[i], first_[i - 1]);  // A bucket without a point ends where it begins.
  }
  if (owners > Line::kCannotTell) {
    return;
  }
  lines_.resize(buckets);
  for (std::size_t i = 0; i < buckets; ++i) {
    write_line(points, i);
  }
}

LookUp LookUp::changed(const ChangedPoints& change, std::size_t owners) const {
  const Points& points = change.points;
  const std::size_t count = points.hashes.size();
  const bool is_loaded_well = count >= kLeastLoad * lines_.size() && count <= kGreatestLoad * lines_.size();
  // Many touches touch most lines, and whole passes are faster than jumps.
  const bool is_small = change.touches.size() <= lines_.size() / 4;
  if (lines_.empty() || owners > Line::kCannotTell || !is_loaded_well || !is_small) {
    return {points, owners};
  }
  LookUp result;
  const std::size_t buckets = lines_.size();
  result.first_.resize(buckets + 1);
  result.lines_ = lines_;
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
  const std::size_t first = first_[bucket];
  const std::size_t count = first_[bucket + 1] - first;
  line.fragments.fill(Line::kEnd);
  if (count > Line::kMaxPoints) {
    line.owners.fill(Line::kCannotTell);
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    line.fragments[i] = Line::fragment_of(bucket_of(points.hashes[first + i], lines_.size()).rest);
    line.owners[i] = static_cast<Line::Owner>(points.owners[first + i]);
  }
  const std::size_t next = first + count == points.hashes.size() ? 0 : first + count;
  line.owners[count] = static_cast<Line::Owner>(points.owners[next]);
}

/// The lines that end with the first point of this bucket, or of one behind it: back to one that has a point.
void LookUp::write_lines_before(const Points& points, std::size_t bucket) {
  std::size_t before = bucket;
  do {
    before = before == 0 ? lines_.size() - 1 : before - 1;
    write_line(points, before);
  } while (first_[before] == first_[before + 1] && before != bucket);
}

}  // namespace nodepool::ring
