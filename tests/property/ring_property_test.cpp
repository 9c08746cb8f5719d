#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "nodepool/job_set.hpp"
#include "nodepool/ring.hpp"

namespace nodepool {
namespace {

constexpr std::uint64_t kLastHash = std::numeric_limits<std::uint64_t>::max();

/// Nodes whose names and point numbers run into each other ("w" + "11" is "w1" + "1"), so that points collide
/// often.
rc::Gen<std::vector<RingNode>> ring_nodes() {
  const auto name = rc::gen::map(rc::gen::inRange(-1, 130), [](int number) {
    return number < 0 ? std::string("w") : "w" + std::to_string(number);
  });
  const auto weight = rc::gen::inRange(1U, 5U);
  return rc::gen::map(rc::gen::container<std::map<std::string, unsigned>>(name, weight),
                      [](const auto& weights) {
                        std::vector<RingNode> nodes;
                        for (const auto& [node, share] : weights) {
                          nodes.push_back({node, share});
                        }
                        return nodes;
                      });
}

rc::Gen<std::vector<RingNode>> some_nodes() {
  return rc::gen::suchThat(ring_nodes(), [](const auto& nodes) { return !nodes.empty(); });
}

rc::Gen<unsigned> points_per_weight() {
  return rc::gen::inRange(1U, 30U);
}

/// The ring as its definition says it, without any cleverness.
std::map<std::uint64_t, std::string> definition(const std::vector<RingNode>& nodes, unsigned points) {
  std::map<std::uint64_t, std::string> owners;
  for (const RingNode& node : nodes) {
    for (unsigned i = 0; i < points * node.weight; ++i) {
      const auto [place, is_new] = owners.emplace(hash_key(node.name + std::to_string(i)), node.name);
      if (!is_new) {
        place->second = std::min(place->second, node.name);
      }
    }
  }
  return owners;
}

/// Hashes at which an owner can change, their neighbours, and the ends: ownership is constant in between, so
/// what holds for these holds for every hash.
std::set<std::uint64_t> decisive_hashes(const std::vector<const HashRing*>& rings) {
  std::set<std::uint64_t> hashes = {0, 1, kLastHash - 1, kLastHash};
  for (const HashRing* ring : rings) {
    for (const std::uint64_t point : ring->point_hashes()) {
      hashes.insert({point - 1, point, point + 1});
    }
  }
  return hashes;
}

std::string owner_name(const HashRing& ring, std::uint64_t hash) {
  const RingNode* owner = ring.owner_of_hash(hash);
  return owner == nullptr ? std::string() : owner->name;
}

void assert_equal(const HashRing& left, const HashRing& right) {
  RC_ASSERT(left.nodes() == right.nodes());
  RC_ASSERT(left.points() == right.points());
  RC_ASSERT(left.point_hashes() == right.point_hashes());
  for (const std::uint64_t point : left.point_hashes()) {
    RC_ASSERT(owner_name(left, point) == owner_name(right, point));
  }
}

void assert_defined(const HashRing& ring, const std::map<std::uint64_t, std::string>& owners) {
  RC_ASSERT(ring.point_hashes().size() == owners.size());
  for (const std::uint64_t hash : decisive_hashes({&ring})) {
    auto expected = owners.lower_bound(hash);
    expected = expected == owners.end() ? owners.begin() : expected;
    RC_ASSERT(owner_name(ring, hash) == (owners.empty() ? std::string() : expected->second));
  }
}

RC_GTEST_PROP(RingProperty, EqualsItsDefinition, ()) {
  const auto nodes = *ring_nodes();
  const auto points = *points_per_weight();
  const auto ring = HashRing::build(nodes, points).value();
  const auto owners = definition(nodes, points);
  RC_CLASSIFY(
      owners.size() <
          [&] {
            std::size_t count = 0;
            for (const auto& node : nodes) {
              count += std::size_t{node.weight} * points;
            }
            return count;
          }(),
      "points collide");
  assert_defined(ring, owners);
}

RC_GTEST_PROP(RingProperty, DoesNotDependOnTheOrderOfInsertion, ()) {
  const auto nodes = *ring_nodes();
  const auto points = *points_per_weight();
  std::vector<RingNode> shuffled;
  std::vector<RingNode> left = nodes;
  while (!left.empty()) {
    const auto at = static_cast<std::ptrdiff_t>(*rc::gen::inRange<std::size_t>(0, left.size()));
    shuffled.push_back(left[static_cast<std::size_t>(at)]);
    left.erase(left.begin() + at);
  }
  auto grown = HashRing::build({}, points).value();
  for (const RingNode& node : shuffled) {
    grown = grown.with(node).value();
  }
  const auto built = HashRing::build(nodes, points).value();
  assert_equal(HashRing::build(shuffled, points).value(), built);
  assert_equal(grown, built);
}

RC_GTEST_PROP(RingProperty, EqualsAFreshBuildAfterAnyChanges, ()) {
  const auto points = *points_per_weight();
  const auto pool = *some_nodes();
  const auto changes = *rc::gen::container<std::vector<RingNode>>(rc::gen::elementOf(pool));
  auto ring = HashRing::build({}, points).value();
  std::map<std::string, RingNode> present;
  for (const RingNode& node : changes) {
    if (present.erase(node.name) != 0) {
      ring = ring.without(node.name);
    } else {
      ring = ring.with(node).value();
      present.emplace(node.name, node);
    }
    std::vector<RingNode> nodes;
    for (const auto& entry : present) {
      nodes.push_back(entry.second);
    }
    assert_equal(ring, HashRing::build(nodes, points).value());
  }
}

RC_GTEST_PROP(RingProperty, ChangesToAnyOtherNodesAsIfBuilt, ()) {
  const auto points = *points_per_weight();
  auto ring = HashRing::build(*ring_nodes(), points).value();
  // Small steps copy from the ring before, great ones build: half of the points decide.
  for (int step = 0; step < 4; ++step) {
    auto nodes = ring.nodes();
    const auto changes = *rc::gen::container<std::map<std::string, unsigned>>(
        rc::gen::map(rc::gen::inRange(0, 130), [](int number) { return "w" + std::to_string(number); }),
        rc::gen::inRange(0U, 5U));
    for (const auto& [name, weight] : changes) {
      std::erase_if(nodes, [&name = name](const RingNode& node) { return node.name == name; });
      if (weight != 0) {
        nodes.push_back({name, weight});
      }
    }
    ring = ring.changed_to(nodes).value();
    assert_equal(ring, HashRing::build(nodes, points).value());
    assert_defined(ring, definition(nodes, points));
  }
}

RC_GTEST_PROP(RingProperty, AnswersManyHashesAsOneByOne, ()) {
  const auto ring = HashRing::build(*ring_nodes(), *points_per_weight()).value();
  const auto decisive = decisive_hashes({&ring});
  const std::vector<std::uint64_t> hashes(decisive.begin(), decisive.end());
  std::vector<const RingNode*> owners(hashes.size());
  ring.owner_batch(hashes, owners);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    RC_ASSERT(owners[i] == ring.owner_of_hash(hashes[i]));
  }
}

RC_GTEST_PROP(RingProperty, FindsTheKnownJobsOfANodeAsByAskingForEach, ()) {
  const auto ring = HashRing::build(*some_nodes(), *points_per_weight()).value();
  const auto names = *rc::gen::container<std::vector<std::string>>(
      rc::gen::map(rc::gen::inRange(0, 500), [](int number) { return "job" + std::to_string(number); }));
  const JobSet jobs(names);
  RC_ASSERT(jobs.size() == std::set<std::string>(names.begin(), names.end()).size());
  const std::string node = (*rc::gen::elementOf(ring.nodes())).name;
  std::vector<std::size_t> expected;
  for (std::size_t job = 0; job < jobs.size(); ++job) {
    if (ring.owner(jobs.name(job))->name == node) {
      expected.push_back(job);
    }
  }
  RC_ASSERT(jobs.in(ring.arcs_of(node)) == expected);
}

/// Rings of ordinary names, up to a size at which lines, overflows and equal fragments all occur.
RC_GTEST_PROP(RingProperty, IsItsDefinitionUpToAThousandNodes, ()) {
  const auto count = *rc::gen::elementOf(std::vector<std::size_t>{1, 2, 10, 100, 1'000});
  const auto points = *rc::gen::elementOf(std::vector<unsigned>{1, 7, count < 1'000 ? 50U : 7U});
  const auto prefix = *rc::gen::container<std::string>(6, rc::gen::inRange('a', 'z'));
  std::vector<RingNode> nodes;
  for (std::size_t i = 0; i < count; ++i) {
    nodes.push_back({prefix + std::to_string(i) + ":", 1 + static_cast<unsigned>(i % 3)});
  }
  auto ring = HashRing::build(nodes, points).value();
  assert_defined(ring, definition(nodes, points));
  const auto left = *rc::gen::inRange<std::size_t>(0, count);
  nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(left));
  nodes.push_back({prefix + "new", 2});
  ring = ring.changed_to(nodes).value();
  assert_defined(ring, definition(nodes, points));
}

RC_GTEST_PROP(RingProperty, MovesKeysOnlyToAnAddedNode, ()) {
  const auto nodes = *some_nodes();
  const auto added = *rc::gen::elementOf(nodes);
  const auto after = HashRing::build(nodes, *points_per_weight()).value();
  const auto before = after.without(added.name);
  for (const std::uint64_t hash : decisive_hashes({&before, &after})) {
    RC_ASSERT(owner_name(after, hash) == owner_name(before, hash) || owner_name(after, hash) == added.name);
  }
}

RC_GTEST_PROP(RingProperty, MovesOnlyTheKeysOfARemovedNode, ()) {
  const auto nodes = *some_nodes();
  const auto removed = *rc::gen::elementOf(nodes);
  const auto before = HashRing::build(nodes, *points_per_weight()).value();
  const auto after = before.without(removed.name);
  for (const std::uint64_t hash : decisive_hashes({&before, &after})) {
    RC_ASSERT(owner_name(after, hash) != removed.name);
    RC_ASSERT(owner_name(before, hash) == removed.name ||
              owner_name(after, hash) == owner_name(before, hash));
  }
}

RC_GTEST_PROP(RingProperty, PartitionsTheHashSpaceIntoArcs, ()) {
  const auto ring = HashRing::build(*some_nodes(), *points_per_weight()).value();
  std::vector<ArcSet::Arc> all;
  for (const RingNode& node : ring.nodes()) {
    const auto arcs = ring.arcs_of(node.name);
    all.insert(all.end(), arcs.arcs().begin(), arcs.arcs().end());
  }
  std::sort(all.begin(), all.end());
  std::uint64_t next = 0;
  for (const ArcSet::Arc& arc : all) {
    RC_ASSERT(arc.first == next);
    RC_ASSERT(arc.first <= arc.last);
    next = arc.last + 1;  // Behind the greatest hash this is 0 again.
  }
  RC_ASSERT(next == 0U);
  RC_ASSERT(!all.empty());
}

RC_GTEST_PROP(RingProperty, AgreesWithItsArcsAboutEveryOwner, ()) {
  const auto ring = HashRing::build(*some_nodes(), *points_per_weight()).value();
  const auto hashes = decisive_hashes({&ring});
  for (const RingNode& node : ring.nodes()) {
    const auto arcs = ring.arcs_of(node.name);
    for (const std::uint64_t hash : hashes) {
      RC_ASSERT(arcs.contains(hash) == (owner_name(ring, hash) == node.name));
    }
  }
}

RC_GTEST_PROP(RingProperty, IntersectsArcsPointwise, ()) {
  const auto points = *points_per_weight();
  const auto old_ring = HashRing::build(*some_nodes(), points).value();
  const auto new_ring = HashRing::build(*some_nodes(), points).value();
  const auto old_arcs = old_ring.arcs_of((*rc::gen::elementOf(old_ring.nodes())).name);
  const auto new_arcs = new_ring.arcs_of((*rc::gen::elementOf(new_ring.nodes())).name);
  const auto both = old_arcs.intersect(new_arcs);
  for (const std::uint64_t hash : decisive_hashes({&old_ring, &new_ring})) {
    RC_ASSERT(both.contains(hash) == (old_arcs.contains(hash) && new_arcs.contains(hash)));
  }
  // The form is the one that the constructor would have made.
  RC_ASSERT(both == ArcSet(both.arcs()));
  RC_ASSERT(both == new_arcs.intersect(old_arcs));
}

RC_GTEST_PROP(RingProperty, ListsDistinctOwnersClockwise, ()) {
  const auto nodes = *some_nodes();
  const auto points = *points_per_weight();
  const auto key = *rc::gen::arbitrary<std::string>();
  const auto count = *rc::gen::inRange<std::size_t>(0, 8);
  const auto owners = definition(nodes, points);
  std::vector<std::string> expected;
  auto at = owners.lower_bound(hash_key(key));
  for (std::size_t i = 0; i < owners.size() && expected.size() < count; ++i, ++at) {
    at = at == owners.end() ? owners.begin() : at;
    if (std::find(expected.begin(), expected.end(), at->second) == expected.end()) {
      expected.push_back(at->second);
    }
  }
  const auto ring = HashRing::build(nodes, points).value();
  std::vector<std::string> listed;
  for (const RingNode* node : ring.owners(key, count)) {
    listed.push_back(node->name);
  }
  RC_ASSERT(listed == expected);
}

/// The part of the hash space that a node owns, from 0 to 1.
double share_of(const HashRing& ring, std::string_view name) {
  double share = 0;
  const ArcSet arcs = ring.arcs_of(name);
  for (const auto& arc : arcs.arcs()) {
    share += std::ldexp(static_cast<double>(arc.last - arc.first) + 1, -64);
  }
  return share;
}

RC_GTEST_PROP(RingProperty, SharesInProportionToTheWeights, ()) {
  const auto prefix = *rc::gen::container<std::string>(8, rc::gen::inRange('a', 'z'));
  const auto weights = *rc::gen::container<std::vector<unsigned>>(6, rc::gen::inRange(1U, 6U));
  constexpr unsigned kPoints = 400;
  std::vector<RingNode> nodes;
  double total = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    // The separator keeps names and point numbers apart: no point collides here.
    nodes.push_back({prefix + std::to_string(i) + "-", weights[i]});
    total += weights[i];
  }
  const auto ring = HashRing::build(nodes, kPoints).value();
  for (const RingNode& node : nodes) {
    const double expected = node.weight / total;
    // A share is a sum of m of M uniform spacings: a Beta(m, M - m). Six deviations are never seen by chance.
    const double deviation = std::sqrt(expected * (1 - expected) / (kPoints * total + 1));
    RC_ASSERT(std::abs(share_of(ring, node.name) - expected) <= 6 * deviation);
  }
}

}  // namespace
}  // namespace nodepool
