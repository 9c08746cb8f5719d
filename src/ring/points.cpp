#include "ring/points.hpp"

#include <algorithm>
#include <numeric>

#include "ring/bucket.hpp"
#include "ring/point_hash.hpp"

namespace nodepool::ring {
namespace {

/// Hashes are uniform, so sorting them is spreading them out by their leading bits: first into chunks that
/// the nearest cache holds, each of these into buckets of a few points.
constexpr std::size_t kChunk = 1'024;
constexpr std::size_t kBucket = 4;

/// A counting sort by `bucket_of_hash`. `ends` becomes the end of each bucket.
template <class BucketOfHash>
void spread(std::span<const Point> from, std::span<Point> to, std::vector<std::size_t>& ends,
            std::size_t buckets, BucketOfHash bucket_of_hash) {
  ends.assign(buckets + 1, 0);
  for (const Point& point : from) {
    ++ends[bucket_of_hash(point.hash) + 1];
  }
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  for (const Point& point : from) {
    to[ends[bucket_of_hash(point.hash)]++] = point;
  }
}

void sort_few(std::span<Point> points) {
  if (points.size() > 32) {  // Not uniform at all: somebody has chosen names by their hashes.
    std::ranges::sort(points);
    return;
  }
  for (std::size_t i = 1; i < points.size(); ++i) {
    const Point point = points[i];
    std::size_t place = i;
    for (; place > 0 && point < points[place - 1]; --place) {
      points[place] = points[place - 1];
    }
    points[place] = point;
  }
}

}  // namespace

void append_points(std::vector<Point>& all, const RingNode& node, OwnerIndex owner, unsigned points) {
  std::vector<std::uint64_t> hashes(count_points(node, points));
  hash_points(node.name, hashes);
  for (const std::uint64_t hash : hashes) {
    all.push_back({hash, owner});
  }
}

void sort_points(std::vector<Point>& points) {
  std::vector<Point> spread_out(points.size());
  std::vector<std::size_t> chunk_ends;
  std::vector<std::size_t> bucket_ends;
  const std::size_t chunks = points.size() / kChunk + 1;
  spread(points, spread_out, chunk_ends, chunks,
         [=](std::uint64_t hash) { return bucket_of(hash, chunks).number; });
  for (std::size_t chunk = 0, first = 0; chunk < chunks; first = chunk_ends[chunk++]) {
    const std::size_t size = chunk_ends[chunk] - first;
    const std::size_t buckets = size / kBucket + 1;
    const std::span<Point> sorted = std::span(points).subspan(first, size);
    spread(std::span(spread_out).subspan(first, size), sorted, bucket_ends, buckets,
           [=](std::uint64_t hash) { return bucket_of(bucket_of(hash, chunks).rest, buckets).number; });
    for (std::size_t bucket = 0, from = 0; bucket < buckets; from = bucket_ends[bucket++]) {
      sort_few(sorted.subspan(from, bucket_ends[bucket] - from));
    }
  }
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
  result.hashes.resize(count);
  result.owners.resize(count);
  std::size_t distinct = 0;
  for (const Point& point : all) {
    if (distinct == 0 || result.hashes[distinct - 1] != point.hash) {
      result.hashes[distinct] = point.hash;
      result.owners[distinct++] = point.owner;
    } else if (result.owners[distinct - 1] != point.owner &&
               (result.shadowed.empty() || result.shadowed.back() != point)) {
      result.shadowed.push_back(point);
    }
  }
  result.hashes.resize(distinct);
  result.owners.resize(distinct);
  return result;
}

}  // namespace nodepool::ring
