// What every rule of placement has to keep, whatever the nodes and weights: see docs/placement.md.

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "nodepool/placement.hpp"
#include "ring/slots.hpp"

namespace nodepool {
namespace {

constexpr unsigned kBits = 16;

rc::Gen<std::vector<RingNode>> some_nodes() {
  const auto name =
      rc::gen::map(rc::gen::inRange(0, 60), [](int number) { return "w" + std::to_string(number); });
  const auto weights = rc::gen::container<std::map<std::string, unsigned>>(name, rc::gen::inRange(1U, 5U));
  const auto nodes = rc::gen::map(weights, [](const auto& weight_of) {
    std::vector<RingNode> all;
    for (const auto& [node, weight] : weight_of) all.push_back({node, weight});
    return all;
  });
  return rc::gen::suchThat(nodes, [](const auto& all) { return !all.empty(); });
}

rc::Gen<PlacementKind> any_kind() {
  return rc::gen::element(PlacementKind::ring, PlacementKind::rendezvous);
}

Placement built(PlacementKind kind, const std::vector<RingNode>& nodes) {
  return Placement::build(kind, nodes, 20).value();
}

/// Hashes between which no owner changes: one of each slot, and those around each point.
std::vector<std::uint64_t> decisive_hashes(const std::vector<const Placement*>& placements) {
  std::vector<std::uint64_t> hashes;
  for (std::uint64_t slot = 0; slot < std::uint64_t{1} << kBits; slot += 7)
    hashes.push_back(slot << (64 - kBits));
  for (const Placement* placement : placements) {
    for (const std::uint64_t point : placement->ring().point_hashes()) {
      hashes.insert(hashes.end(), {point - 1, point, point + 1});
    }
  }
  hashes.push_back(std::numeric_limits<std::uint64_t>::max());
  return hashes;
}

std::vector<RingNode> without(std::vector<RingNode> nodes, const RingNode& gone) {
  std::erase(nodes, gone);
  return nodes;
}

/// Every bid for every slot, one by one: the definition of the table, without its short cuts.
std::vector<std::uint16_t> definition(const std::vector<RingNode>& nodes) {
  const std::vector<ring::Bidder> bidders(nodes.begin(), nodes.end());
  std::vector<std::uint16_t> owners;
  for (std::uint32_t slot = 0; slot < std::uint32_t{1} << kBits; ++slot) {
    const auto bid = [&](const ring::Bidder& bidder) {
      return bidder.bid_at(bidder.visit_of(slot, kBits), kBits);
    };
    const auto best = std::ranges::min_element(bidders, {}, bid);
    owners.push_back(static_cast<std::uint16_t>(best - bidders.begin()));
  }
  return owners;
}

std::vector<std::uint16_t> owners_of(const ring::SlotTable& table) {
  return {table.owners().begin(), table.owners().end()};
}

RC_GTEST_PROP(SlotsProperty, GoToTheLeastBidOfAll, ()) {
  const auto nodes = *some_nodes();
  RC_ASSERT(owners_of(ring::SlotTable::build(nodes, kBits)) == definition(nodes));
}

RC_GTEST_PROP(SlotsProperty, ChangedAreEqualToThoseMadeAnew, ()) {
  auto table = ring::SlotTable::build(*some_nodes(), kBits);
  const auto steps = *rc::gen::inRange(1, 6);
  for (int step = 0; step < steps; ++step) {
    auto nodes = table.nodes();
    // Mostly a small change, as in life; sometimes quite another set of nodes.
    if (*rc::gen::inRange(0, 4) == 0) {
      nodes = *some_nodes();
    } else {
      const auto place = *rc::gen::inRange<std::size_t>(0, nodes.size());
      const auto change = *rc::gen::inRange(0, 3);
      if (change == 0) nodes.push_back({"x" + std::to_string(step), *rc::gen::inRange(1U, 5U)});
      if (change == 1 && nodes.size() > 1) nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(place));
      if (change == 2) nodes[place].weight = *rc::gen::inRange(1U, 100U);
      std::ranges::sort(nodes);
    }
    const auto changed = table.changed_to(nodes);
    const auto anew = ring::SlotTable::build(nodes, kBits);
    RC_ASSERT(changed.nodes() == anew.nodes());
    RC_ASSERT(owners_of(changed) == owners_of(anew));
    table = changed;
  }
}

RC_GTEST_PROP(SlotsProperty, AreVisitedEachOnceByEveryNode, ()) {
  const auto bits = *rc::gen::inRange(16U, 21U);
  const ring::Bidder bidder({*rc::gen::string<std::string>(), *rc::gen::inRange(1U, 101U)});
  std::vector<bool> visited(std::size_t{1} << bits);
  ring::Bid last = 0;
  for (std::uint32_t visit = 0; visit < visited.size(); ++visit) {
    const std::uint32_t slot = bidder.slot_of(visit, bits);
    RC_ASSERT(!visited.at(slot));
    visited[slot] = true;
    RC_ASSERT(bidder.visit_of(slot, bits) == visit);
    const ring::Bid bid = bidder.bid_at(visit, bits);
    RC_ASSERT(bid >= last);
    last = bid;
  }
}

RC_GTEST_PROP(SlotsProperty, NoBidThatCouldWinIsLeftOut, ()) {
  const auto bits = *rc::gen::inRange(16U, 21U);
  const ring::Bidder bidder({*rc::gen::string<std::string>(), *rc::gen::inRange(1U, 101U)});
  const auto visit = *rc::gen::inRange(0U, 1U << bits);
  const ring::Bid bid = bidder.bid_at(visit, bits);
  for (const ring::Bid rival : {bid, bid + 1, bid + *rc::gen::arbitrary<std::uint32_t>(), ~ring::Bid{0}}) {
    RC_ASSERT(bidder.may_undercut(rival, visit, bits));
  }
}

RC_GTEST_PROP(PlacementProperty, DoesNotDependOnTheOrderOfTheNodes, ()) {
  const auto kind = *any_kind();
  const auto nodes = *some_nodes();
  auto shuffled = nodes;
  for (std::size_t i = shuffled.size(); i > 1; --i) {
    std::swap(shuffled[i - 1], shuffled[*rc::gen::inRange<std::size_t>(0, i)]);
  }
  const Placement left = built(kind, nodes);
  const Placement right = built(kind, shuffled);
  RC_ASSERT(left.nodes() == right.nodes());
  for (const std::uint64_t hash : decisive_hashes({&left, &right})) {
    RC_ASSERT(*left.owner_of_hash(hash) == *right.owner_of_hash(hash));
  }
}

RC_GTEST_PROP(PlacementProperty, MovesOnlyWhatALostNodeHad, ()) {
  const auto kind = *any_kind();
  const auto nodes = *rc::gen::suchThat(some_nodes(), [](const auto& all) { return all.size() > 1; });
  const RingNode lost = *rc::gen::elementOf(nodes);
  const Placement before = built(kind, nodes);
  const Placement after = before.changed_to(without(nodes, lost)).value();
  for (const std::uint64_t hash : decisive_hashes({&before, &after})) {
    RC_ASSERT(after.owner_of_hash(hash)->name != lost.name);
    RC_ASSERT(*before.owner_of_hash(hash) == lost ||
              *before.owner_of_hash(hash) == *after.owner_of_hash(hash));
  }
}

RC_GTEST_PROP(PlacementProperty, MovesKeysOnlyToANodeThatGrows, ()) {
  const auto kind = *any_kind();
  auto nodes = *some_nodes();
  const auto place = *rc::gen::inRange<std::size_t>(0, nodes.size());
  const Placement before = built(kind, nodes);
  nodes[place].weight += *rc::gen::inRange(1U, 10U);
  const Placement after = before.changed_to(nodes).value();
  for (const std::uint64_t hash : decisive_hashes({&before, &after})) {
    const std::string& owner = after.owner_of_hash(hash)->name;
    RC_ASSERT(owner == nodes[place].name || owner == before.owner_of_hash(hash)->name);
  }
}

RC_GTEST_PROP(PlacementProperty, DividesTheHashSpaceIntoTheNodesArcs, ()) {
  const Placement placement = built(*any_kind(), *some_nodes());
  std::vector<ArcSet::Arc> all;
  for (const RingNode& node : placement.nodes()) {
    const ArcSet arcs = placement.arcs_of(node.name);
    for (const ArcSet::Arc& arc : arcs.arcs()) {
      RC_ASSERT(*placement.owner_of_hash(arc.first) == node);
      RC_ASSERT(*placement.owner_of_hash(arc.last) == node);
      all.push_back(arc);
    }
  }
  std::ranges::sort(all);
  std::uint64_t next = 0;
  for (const ArcSet::Arc& arc : all) {
    RC_ASSERT(arc.first == next);
    next = arc.last + 1;  // Behind the greatest hash this is 0 again.
  }
  RC_ASSERT(next == 0U);
}

RC_GTEST_PROP(SlotsProperty, AreSharedInProportionToTheWeights, ()) {
  const auto prefix = *rc::gen::container<std::string>(8, rc::gen::inRange('a', 'z'));
  const auto weights = *rc::gen::container<std::vector<unsigned>>(6, rc::gen::inRange(1U, 101U));
  std::vector<RingNode> nodes;
  double total = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    nodes.push_back({prefix + std::to_string(i), weights[i]});
    total += weights[i];
  }
  const auto table = ring::SlotTable::build(nodes, kBits);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const double share = nodes[i].weight / total;
    const auto slots = static_cast<double>(std::ranges::count(table.owners(), i));
    // Slots are won independently or better: six deviations of a binomial are never seen by chance. To this
    // comes what straight lines take from a logarithm.
    const double expected = share * (1U << kBits);
    RC_ASSERT(std::abs(slots - expected) <= 6 * std::sqrt(expected * (1 - share)) + 0.001 * expected + 1);
  }
}

}  // namespace
}  // namespace nodepool
