#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "nodepool/ring.hpp"
#include "ring/lookup.hpp"
#include "ring/points.hpp"

namespace nodepool::ring {

/// What the copies of a ring share. Immutable.
struct Table {
  std::vector<RingNode> nodes;  ///< Ascending by name.
  unsigned points_per_weight = 0;
  std::vector<OwnerIndex> number_of;     ///< Of each place in `nodes`.
  std::vector<const RingNode*> node_of;  ///< Of each number, into `nodes`; null where a number is free.
  Points points;
  LookUp look_up;

  /// The owner of a hash; null if there is no point.
  [[nodiscard]] const RingNode* owner(std::uint64_t hash) const noexcept {
    const OwnerIndex number = look_up.owner(hash);
    return number != Line::kCannotTell ? node_of.data()[number] : exact_owner(hash);
  }
  /// The same by the exact points alone.
  [[nodiscard]] const RingNode* exact_owner(std::uint64_t hash) const noexcept;

  /// The place in `nodes` of this name, or their number.
  [[nodiscard]] std::size_t place_of(std::string_view name) const noexcept;
};

/// REQUIRES: the nodes and points are checked; ascending by name.
std::shared_ptr<const Table> build_table(std::vector<RingNode> nodes, unsigned points);

/// The table of these nodes, by copying from another where that is less work.
/// REQUIRES: the nodes are checked; ascending by name.
std::shared_ptr<const Table> change_table(const Table& before, std::vector<RingNode> nodes);

}  // namespace nodepool::ring
