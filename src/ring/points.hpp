#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nodepool/ring.hpp"

/// The points of a ring, as sorted arrays.
namespace nodepool::ring {

/// A node's number. It keeps it for as long as it is on the ring, so that a change of the ring is a copy with
/// differences. Numbers of nodes that have left are given out again.
using OwnerIndex = std::uint32_t;

struct Point {
  std::uint64_t hash = 0;
  OwnerIndex owner = 0;
  auto operator<=>(const Point&) const = default;
};

/// The exact form of a ring, which every faster one is made from.
struct Points {
  std::vector<std::uint64_t> hashes;  ///< Distinct, ascending.
  std::vector<OwnerIndex> owners;  ///< Of each hash: of the nodes that have it, the one of the smallest name.
  /// What the owners above have hidden, ascending by hash. Nearly always empty; kept because such a point
  /// comes to light when its winner leaves.
  std::vector<Point> shadowed;
};

/// The number of points that a node has.
inline std::size_t count_points(const RingNode& node, unsigned points) noexcept {
  return std::size_t{points} * node.weight;
}

/// Appends the points of a node, in no order.
void append_points(std::vector<Point>& all, const RingNode& node, OwnerIndex owner, unsigned points);

/// Sorts points. Expected O(P), as hashes are uniform; O(P log P) at worst.
void sort_points(std::vector<Point>& points);

/// The points of all nodes; a node's number is its place. REQUIRES: ascending by name, no name twice.
Points points_of(const std::vector<RingNode>& nodes, unsigned points);

/// A hash at which a change did something. Points behind it have moved by `shift` places, all changes so far
/// taken together.
struct Touch {
  std::uint64_t hash = 0;
  std::ptrdiff_t shift = 0;
};

/// What becomes of points when some come and some go.
struct ChangedPoints {
  Points points;
  std::vector<Touch> touches;  ///< Ascending by hash, each once.
};

class LookUp;

/// Takes all points of some nodes from the ring and brings in others. A number that goes may come again, for
/// another node. `node_of` are the nodes by number after the change.
/// REQUIRES: `gone` and `come` are sorted; `look_up` belongs to `before`. O(P), most of it plain copying, and
/// O(1) expected for each point that comes or goes.
ChangedPoints change_points(const Points& before, const LookUp& look_up, const std::vector<Point>& gone,
                            const std::vector<Point>& come, std::span<const RingNode* const> node_of);

}  // namespace nodepool::ring
