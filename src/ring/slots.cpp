#include "ring/slots.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

namespace nodepool::ring {
namespace {

constexpr Bid kNoBid = std::numeric_limits<Bid>::max();
/// Stands for the owner of a slot whose owner has gone. No node has this index.
constexpr std::uint16_t kNobody = std::numeric_limits<std::uint16_t>::max();

/// What becomes of the nodes of a table.
struct Turnover {
  std::vector<std::uint16_t> new_index;  ///< Of each node from before; kNobody if it has gone.
  std::vector<std::size_t> gone;         ///< Indices into the nodes from before.
  std::vector<std::size_t> newcomers;    ///< Indices into the nodes from now on.
  /// One node more or one less: all indices above it shift by one.
  [[nodiscard]] bool is_single() const noexcept { return gone.size() + newcomers.size() == 1; }
};

/// A node with another weight bids otherwise: it goes, and comes again.
Turnover compare(const std::vector<RingNode>& before, const std::vector<RingNode>& after) {
  Turnover change;
  change.new_index.reserve(before.size());
  std::size_t next = 0;
  for (const RingNode& node : before) {
    for (; next < after.size() && after[next].name < node.name; ++next) change.newcomers.push_back(next);
    const bool stays = next < after.size() && after[next] == node;
    if (!stays) change.gone.push_back(change.new_index.size());
    change.new_index.push_back(stays ? static_cast<std::uint16_t>(next++) : kNobody);
  }
  for (; next < after.size(); ++next) change.newcomers.push_back(next);
  return change;
}

/// So many slots at once: a known number, which compilers turn into vector instructions.
constexpr std::uint32_t kBlock = 64;

/// Renames the owners of a block of slots. True if there may be slots of a node that has gone among them.
bool translate_block(const std::uint16_t* from, std::uint16_t* to, const Turnover& change) noexcept {
  for (std::uint32_t i = 0; i < kBlock; ++i) to[i] = change.new_index[from[i]];
  return !change.gone.empty();
}

/// The same for a single change.
bool shift_block(const std::uint16_t* from, std::uint16_t* to, const Turnover& change) noexcept {
  std::uint16_t orphans = 0;
  if (change.gone.empty()) {
    const auto at = static_cast<std::uint16_t>(change.newcomers.front());
    for (std::uint32_t i = 0; i < kBlock; ++i) {
      to[i] = static_cast<std::uint16_t>(from[i] + (from[i] >= at ? 1 : 0));
    }
  } else {
    const auto at = static_cast<std::uint16_t>(change.gone.front());
    for (std::uint32_t i = 0; i < kBlock; ++i) {
      to[i] = static_cast<std::uint16_t>(from[i] - (from[i] > at ? 1 : 0));
      orphans = static_cast<std::uint16_t>(orphans | (from[i] == at ? 1 : 0));
    }
  }
  return orphans != 0;
}

}  // namespace

// ---- who wins

std::size_t SlotTable::BidCounts::rank_of(Bid bid) noexcept {
  if (bid < 4) return static_cast<std::size_t>(bid);
  const auto width = static_cast<unsigned>(std::bit_width(bid));
  return (std::size_t{width} - 2) * 4 + ((bid >> (width - 3U)) & 3U);
}

Bid SlotTable::BidCounts::bound() const noexcept {
  const auto last = std::find_if(counts_.rbegin(), counts_.rend(), [](auto count) { return count != 0; });
  const auto rank = static_cast<std::size_t>(counts_.rend() - last);  // one above the greatest that is there
  if (rank < 8) return rank;
  const auto width = static_cast<unsigned>(rank / 4 + 2);
  return width > 64 ? kNoBid : (Bid{4} + rank % 4) << (width - 3U);
}

/// Makes a table, given its nodes and bidders.
class SlotTable::Auction {
 public:
  explicit Auction(Table& table) : table_(table), slots_(std::uint32_t{1} << table.bits) {}

  /// For a table without owners.
  void sell_all() {
    std::uint64_t weights = 0;
    for (const RingNode& node : table_.nodes) weights += node.weight;
    // So many bids leave one slot in as many as there are nodes unsold: then asking for the rest is cheap.
    const Bid enough = (std::uint64_t{std::bit_width(table_.nodes.size())} << kFractionBits) / weights;
    best_.assign(slots_, kNoBid);
    table_.owners.assign(slots_, 0);
    for (std::size_t node = 0; node < table_.nodes.size(); ++node) collect(node, enough);
    std::vector<std::uint32_t> unsold;
    for (std::uint32_t slot = 0; slot < slots_; ++slot) {
      if (best_[slot] == kNoBid) {
        unsold.push_back(slot);
      } else {
        table_.winning.add(best_[slot]);
      }
    }
    ask_all(unsold);
  }

  /// Gives each of these slots to the least bidder of all.
  void ask_all(const std::vector<std::uint32_t>& slots) {
    std::vector<Bid> best(slots.size(), kNoBid);
    for (std::size_t node = 0; node < table_.bidders.size(); ++node) {
      const Bidder bidder = table_.bidders[node];
      for (std::size_t i = 0; i < slots.size(); ++i) {
        const std::uint32_t visit = bidder.visit_of(slots[i], table_.bits);
        if (!bidder.may_undercut(best[i], visit, table_.bits)) continue;
        const Bid bid = bidder.bid_at(visit, table_.bits);
        if (bid >= best[i]) continue;  // of equal bids, the one of the smaller name
        best[i] = bid;
        table_.owners[slots[i]] = static_cast<std::uint16_t>(node);
      }
    }
    for (const Bid bid : best) table_.winning.add(bid);
  }

  /// Lets a newcomer take what it can from those that own slots now. Slots of nobody are left alone.
  void admit(std::size_t newcomer) {
    const Bid bound = table_.winning.bound();
    const Bidder& bidder = table_.bidders[newcomer];
    for (std::uint32_t visit = 0; visit < slots_; ++visit) {
      const Bid bid = bidder.bid_at(visit, table_.bits);
      if (bid > bound) return;
      const std::uint32_t slot = bidder.slot_of(visit, table_.bits);
      const std::size_t owner = table_.owners[slot];
      if (owner == kNobody) continue;
      const Bid present = bid_of(table_.bidders[owner], slot);
      if (std::pair(bid, newcomer) >= std::pair(present, owner)) continue;
      table_.owners[slot] = static_cast<std::uint16_t>(newcomer);
      table_.winning.remove(present);
      table_.winning.add(bid);
    }
  }

  /// Renames the owners of all slots; returns the slots of those that have gone.
  std::vector<std::uint32_t> rename(const Table& before, const Turnover& change) {
    table_.owners.resize(slots_);
    std::vector<std::uint32_t> orphans;
    for (std::uint32_t first = 0; first < slots_; first += kBlock) {
      const std::uint16_t* from = before.owners.data() + first;
      std::uint16_t* to = table_.owners.data() + first;
      const bool has_orphans =
          change.is_single() ? shift_block(from, to, change) : translate_block(from, to, change);
      for (std::uint32_t i = 0; has_orphans && i < kBlock; ++i) {
        if (change.new_index[from[i]] != kNobody) continue;
        to[i] = kNobody;
        orphans.push_back(first + i);
      }
    }
    return orphans;
  }

  [[nodiscard]] Bid bid_of(const Bidder& bidder, std::uint32_t slot) const {
    return bidder.bid_at(bidder.visit_of(slot, table_.bits), table_.bits);
  }

 private:
  void collect(std::size_t node, Bid enough) {
    const Bidder& bidder = table_.bidders[node];
    for (std::uint32_t visit = 0; visit < slots_; ++visit) {
      const Bid bid = bidder.bid_at(visit, table_.bits);
      if (bid > enough) return;
      const std::uint32_t slot = bidder.slot_of(visit, table_.bits);
      if (bid >= best_[slot]) continue;
      best_[slot] = bid;
      table_.owners[slot] = static_cast<std::uint16_t>(node);
    }
  }

  Table& table_;
  std::uint32_t slots_;
  std::vector<Bid> best_;
};

SlotTable SlotTable::build(std::vector<RingNode> nodes, unsigned bits) {
  auto table = std::make_shared<Table>();
  table->bits = bits;
  table->nodes = std::move(nodes);
  table->bidders = std::vector<Bidder>(table->nodes.begin(), table->nodes.end());
  if (!table->nodes.empty()) Auction(*table).sell_all();
  return SlotTable(std::move(table));
}

SlotTable SlotTable::changed_to(std::vector<RingNode> nodes) const {
  if (!table_ || nodes.empty() || table_->nodes.empty()) return build(std::move(nodes), bits());
  if (nodes == table_->nodes) return *this;
  const Turnover change = compare(table_->nodes, nodes);
  auto table = std::make_shared<Table>();
  table->bits = table_->bits;
  table->nodes = std::move(nodes);
  table->bidders = table_->bidders;
  for (auto gone = change.gone.rbegin(); gone != change.gone.rend(); ++gone) {
    table->bidders.erase(table->bidders.begin() + static_cast<std::ptrdiff_t>(*gone));
  }
  for (const std::size_t newcomer : change.newcomers) {
    table->bidders.emplace(table->bidders.begin() + static_cast<std::ptrdiff_t>(newcomer),
                           table->nodes[newcomer]);
  }
  table->winning = table_->winning;
  Auction auction(*table);
  const std::vector<std::uint32_t> orphans = auction.rename(*table_, change);
  for (const std::uint32_t slot : orphans) {
    table->winning.remove(auction.bid_of(table_->bidders[table_->owners[slot]], slot));
  }
  // Most of it anew: then an auction of everything takes less.
  const std::size_t asked = orphans.size() * table->nodes.size();
  const std::size_t all_anew = table_->owners.size() * (4 + 2 * std::bit_width(table->nodes.size()));
  if (asked > all_anew || change.newcomers.size() * 2 > table->nodes.size()) {
    return build(std::move(table->nodes), bits());
  }
  for (const std::size_t newcomer : change.newcomers) auction.admit(newcomer);
  auction.ask_all(orphans);
  return SlotTable(std::move(table));
}

ArcSet SlotTable::arcs_of(std::string_view name) const {
  const auto place = std::ranges::lower_bound(
      nodes(), name, {}, [](const RingNode& node) -> std::string_view { return node.name; });
  if (place == nodes().end() || place->name != name) return {};
  const auto wanted = static_cast<std::uint16_t>(place - nodes().begin());
  const std::vector<std::uint16_t>& owners = table_->owners;
  const auto first_hash = [bits = table_->bits](std::size_t slot) {
    return std::uint64_t{slot} << (64 - bits);
  };
  std::vector<ArcSet::Arc> arcs;
  for (auto at = owners.begin();;) {
    const auto first = std::find(at, owners.end(), wanted);
    if (first == owners.end()) return ArcSet(std::move(arcs));
    at = std::find_if(first, owners.end(), [&](std::uint16_t owner) { return owner != wanted; });
    arcs.push_back({first_hash(static_cast<std::size_t>(first - owners.begin())),
                    first_hash(static_cast<std::size_t>(at - owners.begin())) - 1U});
  }
}

const std::vector<RingNode>& SlotTable::nodes() const noexcept {
  static const std::vector<RingNode> kNone;
  return table_ ? table_->nodes : kNone;
}

std::span<const std::uint16_t> SlotTable::owners() const noexcept {
  return table_ ? std::span<const std::uint16_t>(table_->owners) : std::span<const std::uint16_t>();
}

}  // namespace nodepool::ring
