#include "nodepool/job_set.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "ring/bucket.hpp"
#include "ring/points.hpp"

namespace nodepool {
namespace {

/// The place of the first of these hashes that is not below `hash`. They are uniform, so it is close to where
/// proportion says; from there the step doubles until the place is between two of them.
std::size_t first_not_below(const std::vector<std::uint64_t>& hashes, std::uint64_t hash) {
  const auto begin = hashes.begin();
  const auto size = std::ssize(hashes);
  std::ptrdiff_t last = static_cast<std::ptrdiff_t>(ring::bucket_of(hash, hashes.size()).number);
  std::ptrdiff_t first = last;
  for (std::ptrdiff_t step = 16; last < size && begin[last] < hash; step *= 2) {
    first = last + 1;
    last = std::min(size, last + step);
  }
  for (std::ptrdiff_t step = 16; first > 0 && begin[first - 1] >= hash; step *= 2) {
    last = first - 1;
    first = std::max<std::ptrdiff_t>(0, first - step);
  }
  return static_cast<std::size_t>(std::lower_bound(begin + first, begin + last, hash) - begin);
}

}  // namespace

JobSet::JobSet(std::vector<std::string> names) {
  std::vector<ring::Point> order;
  order.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    order.push_back({hash_key(names[i]), static_cast<ring::OwnerIndex>(i)});
  }
  ring::sort_points(order);
  hashes_.reserve(names.size());
  names_.reserve(names.size());
  for (const ring::Point& point : order) {
    if (!hashes_.empty() && hashes_.back() == point.hash) {
      insert(std::move(names[point.owner]));  // The same name again, or one that has its hash by chance.
      continue;
    }
    hashes_.push_back(point.hash);
    names_.push_back(std::move(names[point.owner]));
  }
}

std::size_t JobSet::place_of(std::uint64_t hash, std::string_view name) const noexcept {
  std::size_t place = first_not_below(hashes_, hash);
  while (place < size() && hashes_[place] == hash && names_[place] < name) {
    ++place;
  }
  return place;
}

bool JobSet::contains(std::string_view name) const noexcept {
  const std::size_t place = place_of(hash_key(name), name);
  return place < size() && names_[place] == name;
}

bool JobSet::insert(std::string name) {
  const std::uint64_t hash = hash_key(name);
  const std::size_t place = place_of(hash, name);
  if (place < size() && names_[place] == name) {
    return false;
  }
  const auto offset = static_cast<std::ptrdiff_t>(place);
  hashes_.insert(hashes_.begin() + offset, hash);
  names_.insert(names_.begin() + offset, std::move(name));
  return true;
}

bool JobSet::erase(std::string_view name) {
  const std::size_t place = place_of(hash_key(name), name);
  if (place == size() || names_[place] != name) {
    return false;
  }
  const auto offset = static_cast<std::ptrdiff_t>(place);
  hashes_.erase(hashes_.begin() + offset);
  names_.erase(names_.begin() + offset);
  return true;
}

std::vector<JobSet::Range> JobSet::ranges_in(const ArcSet& arcs) const {
  std::vector<Range> ranges;
  for (const ArcSet::Arc& arc : arcs.arcs()) {
    const std::size_t first = first_not_below(hashes_, arc.first);
    // Behind the greatest hash there is no next one to look for.
    const std::size_t last = arc.last + 1 == 0 ? size() : first_not_below(hashes_, arc.last + 1);
    if (first != last) {
      ranges.push_back({first, last});
    }
  }
  return ranges;
}

std::vector<std::size_t> JobSet::in(const ArcSet& arcs) const {
  std::vector<std::size_t> jobs;
  for (const Range& range : ranges_in(arcs)) {
    const std::size_t before = jobs.size();
    jobs.resize(before + (range.last - range.first));
    std::iota(jobs.begin() + static_cast<std::ptrdiff_t>(before), jobs.end(), range.first);
  }
  return jobs;
}

}  // namespace nodepool
