#include "ring/points.hpp"

#include <algorithm>

#include "ring/bucket.hpp"
#include "ring/point_hash.hpp"

namespace nodepool::ring {

void append_points(std::vector<Point>& all, const RingNode& node, OwnerIndex owner, unsigned points) {
  std::vector<std::uint64_t> hashes(count_points(node, points));
  hash_points(node.name, hashes);
  for (const std::uint64_t hash : hashes) {
    all.push_back({hash, owner});
  }
}

void sort_points(std::vector<Point>& points) {
  // A counting sort by as many buckets as there are points leaves nearly nothing to do inside a bucket.
  const std::size_t buckets = points.size();
  std::vector<std::size_t> ends(buckets + 1);
  for (const Point point : points) {
    ++ends[bucket_of(point.hash, buckets).number + 1];
  }
  for (std::size_t i = 1; i <= buckets; ++i) {
    ends[i] += ends[i - 1];
  }
  std::vector<Point> sorted(points.size());
  for (const Point point : points) {
    sorted[ends[bucket_of(point.hash, buckets).number]++] = point;
  }
  std::size_t first = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    std::sort(sorted.begin() + static_cast<std::ptrdiff_t>(first),
              sorted.begin() + static_cast<std::ptrdiff_t>(ends[i]));
    first = ends[i];
  }
  points = std::move(sorted);
}

Points points_of(const std::vector<RingNode>& nodes, unsigned points) {
  std::size_t count = 0;
  for (const RingNode& node : nodes) {
    count += count_points(node, points);
  }
  std::vector<Point> all;
  all.reserve(count);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    append_points(all, nodes[i], static_cast<OwnerIndex>(i), points);
  }
  sort_points(all);

  Points result;
  result.hashes.reserve(count);
  result.owners.reserve(count);
  for (const Point point : all) {
    if (result.hashes.empty() || result.hashes.back() != point.hash) {
      result.hashes.push_back(point.hash);
      result.owners.push_back(point.owner);
    } else if (result.owners.back() != point.owner &&
               (result.shadowed.empty() || result.shadowed.back() != point)) {
      result.shadowed.push_back(point);
    }
  }
  return result;
}

}  // namespace nodepool::ring
