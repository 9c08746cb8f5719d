#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "nodepool/export.hpp"
#include "nodepool/result.hpp"
#include "nodepool/ring.hpp"
#include "nodepool/view.hpp"

namespace nodepool {

/// By which rule the jobs of a pool are placed on its nodes. docs/placement.md says when to use which.
enum class PlacementKind {
  ring,        ///< HashRing: go-dispatch's places. 50 points: the fullest node has 1.3 to 1.5 times the mean.
  rendezvous,  ///< 65,536 rendezvous slots: up to 1.15 times the mean with 200 nodes. 128 KB.
  rendezvous_fine  ///< 1,048,576 slots: up to 1.15 times the mean with 2,000 nodes. 2 MB.
};
/// The rule's name, as pools store it in their configuration: "xxh64-ring", "rendezvous-16", "rendezvous-20".
/// Empty for a value that the type does not have.
NODEPOOL_EXPORT std::string_view to_string(PlacementKind kind) noexcept;
/// The inverse; `unsupported` for a name that this version does not know.
NODEPOOL_EXPORT Result<PlacementKind> parse_placement_kind(std::string_view name);

namespace ring {
class SlotTable;
}

/// Which node owns each job: a pure function of a set of nodes with weights, by one of the rules above.
///
/// With rendezvous, the top bits of a job's hash name its slot; each node bids a pseudo-random number for
/// each slot, shaped by its weight, and the least bid owns it (Thaler and Ravishankar 1998, "Using name-based
/// mappings to increase hit rates"). So a node that comes takes exactly what it wins, a node that goes gives
/// up exactly what it had, and nothing else moves. Of equal bids, that of the smaller name wins. Equal on
/// every machine: no floating point.
///
/// An immutable value: copies share, every member function is thread-safe.
///
///     auto placement = Placement::build(PlacementKind::rendezvous, {{"a"}, {"b", 3}}).value();
///     std::string_view who = placement.owner("job1")->name;  // "b" for about three jobs of four
class NODEPOOL_EXPORT Placement {
 public:
  /// An empty ring: it owns nothing.
  Placement() = default;
  explicit Placement(HashRing ring) noexcept;

  /// `points` is for the ring alone. Errors: `invalid_argument` as HashRing::build; also for rendezvous with
  /// more than 65,535 nodes. Rendezvous takes O(slots * log nodes): 4 ms for 65,536 slots and 1,000 nodes.
  [[nodiscard]] static Result<Placement> build(PlacementKind kind, std::vector<RingNode> nodes,
                                               unsigned points = 50);
  /// The placement by the same rule on exactly these nodes: equal to `build`, but where few nodes differ it
  /// takes about 0.1 ms of the ring, and of rendezvous with 65,536 slots, at 1,000 nodes. Errors as `build`.
  [[nodiscard]] Result<Placement> changed_to(std::vector<RingNode> nodes) const;

  /// The owner, or nullptr if there is no node. The pointer lives as long as this placement or a copy of it.
  /// No allocation.
  [[nodiscard]] const RingNode* owner(std::string_view key) const noexcept;
  /// The same for a key whose `hash_key` is known. Rendezvous: O(1), one read of a table.
  [[nodiscard]] const RingNode* owner_of_hash(std::uint64_t hash) const noexcept {
    return slot_owners_ == nullptr ? ring_.owner_of_hash(hash)
                                   : slot_nodes_ + slot_owners_[hash >> slot_shift_];
  }
  /// All hashes that this node owns. Empty for an unknown name. O(points) or O(slots).
  [[nodiscard]] ArcSet arcs_of(std::string_view name) const;

  /// The nodes, ascending by name.
  [[nodiscard]] const std::vector<RingNode>& nodes() const noexcept;
  [[nodiscard]] PlacementKind kind() const noexcept { return kind_; }
  /// Of the ring: points per unit of weight. Otherwise 0.
  [[nodiscard]] unsigned points() const noexcept;
  /// The ring, if it is one; otherwise an empty one.
  [[nodiscard]] const HashRing& ring() const noexcept { return ring_; }
  /// The slots (src/ring/slots.hpp). REQUIRES: not a ring.
  [[nodiscard]] const ring::SlotTable& slots() const noexcept { return *slots_; }

 private:
  Placement(PlacementKind kind, ring::SlotTable slots);

  PlacementKind kind_ = PlacementKind::ring;
  HashRing ring_;
  std::shared_ptr<const ring::SlotTable> slots_;  ///< Null for the ring.
  // Into `slots_`, so that a look-up need not go through it. Null also for slots without a node.
  const std::uint16_t* slot_owners_ = nullptr;
  const RingNode* slot_nodes_ = nullptr;
  unsigned slot_shift_ = 0;
};

/// The nodes on which a view places its jobs: the members that do not drain, one for each name.
/// REQUIRES: ascending by (name, id).
NODEPOOL_EXPORT std::vector<RingNode> places_of(const std::vector<NodeInfo>& members);

}  // namespace nodepool
