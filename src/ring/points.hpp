#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "nodepool/ring.hpp"

/// The points of a ring, as sorted arrays. Owners are indexes into the ring's nodes, which are ascending by
/// name: so the smaller index is the smaller name, and wins where two nodes have the same point.
namespace nodepool::ring {

using OwnerIndex = std::uint32_t;

struct Point {
  std::uint64_t hash = 0;
  OwnerIndex owner = 0;
  auto operator<=>(const Point&) const = default;
};

/// What a ring consists of, in the one form that a set of nodes has: equal sets of nodes give equal points.
struct Points {
  std::vector<std::uint64_t> hashes;  ///< Distinct, ascending.
  std::vector<OwnerIndex> owners;     ///< Of each hash: the smallest index that has it.
  /// What the owners above have hidden, ascending. Nearly always empty; kept because such a point comes to
  /// light when its winner leaves.
  std::vector<Point> shadowed;
  bool operator==(const Points&) const = default;
};

/// The points of all nodes. REQUIRES: ascending by name, no name twice. O(P log P).
Points points_of(const std::vector<RingNode>& nodes, unsigned points);

/// The points after `node` was inserted at index `at`. O(P).
Points insert_node(const Points& before, const RingNode& node, OwnerIndex at, unsigned points);

/// The points after the node at index `at` was erased. O(P).
Points erase_node(const Points& before, OwnerIndex at);

}  // namespace nodepool::ring
