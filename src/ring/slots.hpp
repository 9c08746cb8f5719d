#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "nodepool/ring.hpp"
#include "ring/bidder.hpp"

/// Rendezvous slots: the hash space is cut into 2^bits equal slots, and each slot goes to the node that bids
/// least for it (highest random weight: Thaler and Ravishankar 1998; weighted by exponential bids).
///
/// A node's bids are made in order, as those of a Poisson process are: the node visits the slots in a
/// pseudo-random order of its own, and the bid of its k-th visit is -log2(1 - v) / weight with v in the k-th
/// of 2^bits equal parts of 0..1. So who has the least bid for a slot can be found in two ways: by asking
/// every node for its bid for this slot, or by letting nodes bid, cheapest slots first, until no bid can win
/// any more. The second makes the whole table in O(slots * log nodes) instead of O(slots * nodes), and lets
/// one newcomer find its slots in O(its slots * log slots). A bid depends on its node and its slot alone:
/// therefore a change moves exactly what it has to. All arithmetic is on integers, equal on every machine.
namespace nodepool::ring {

/// Which node owns each slot. An immutable value; copies share.
class SlotTable {
 public:
  /// What an index of a node has to fit into.
  static constexpr std::size_t kMaxNodes = 65'535;

  SlotTable() = default;
  /// REQUIRES: nodes ascending by name, no name twice, weights valid, at most kMaxNodes; bits 16 to 24.
  /// O(slots * log nodes).
  static SlotTable build(std::vector<RingNode> nodes, unsigned bits);
  /// Equal to `build(nodes, bits)`. One node that comes or goes: O(slots) copies and comparisons of 2 bytes,
  /// and as much arithmetic as the slots that move need. REQUIRES: as build; this table is not empty.
  [[nodiscard]] SlotTable changed_to(std::vector<RingNode> nodes) const;

  /// Null if there is no node. Two loads.
  [[nodiscard]] const RingNode* owner_of_hash(std::uint64_t hash) const noexcept {
    if (!table_ || table_->nodes.empty()) return nullptr;
    return &table_->nodes[table_->owners[hash >> (64 - table_->bits)]];
  }
  /// All hashes of the node's slots. O(slots).
  [[nodiscard]] ArcSet arcs_of(std::string_view name) const;
  /// Ascending by name.
  [[nodiscard]] const std::vector<RingNode>& nodes() const noexcept;
  [[nodiscard]] unsigned bits() const noexcept { return table_ ? table_->bits : 0; }
  /// Of each slot, an index into `nodes()`. Empty if there is no node.
  [[nodiscard]] std::span<const std::uint16_t> owners() const noexcept;

 private:
  /// How many slots have a winning bid of about this size: tells where a newcomer may stop bidding.
  class BidCounts {
   public:
    void add(Bid bid) noexcept { ++counts_[rank_of(bid)]; }
    void remove(Bid bid) noexcept { --counts_[rank_of(bid)]; }
    /// Not less than any bid that was counted.
    [[nodiscard]] Bid bound() const noexcept;

   private:
    static std::size_t rank_of(Bid bid) noexcept;
    std::array<std::uint32_t, 256> counts_{};
  };

  struct Table {
    unsigned bits = 0;
    std::vector<RingNode> nodes;  ///< Ascending by name.
    std::vector<Bidder> bidders;  ///< Of each node.
    std::vector<std::uint16_t> owners;
    BidCounts winning;
  };
  class Auction;
  explicit SlotTable(std::shared_ptr<const Table> table) : table_(std::move(table)) {}

  std::shared_ptr<const Table> table_;
};

}  // namespace nodepool::ring
