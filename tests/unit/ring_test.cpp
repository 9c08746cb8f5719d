#include "nodepool/ring.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/allocation_counter.hpp"

namespace nodepool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

HashRing make(std::vector<RingNode> nodes, unsigned points) {
  auto ring = HashRing::build(std::move(nodes), points);
  EXPECT_TRUE(ring.has_value()) << ring.error().message;
  return ring.value_or(HashRing());
}

std::vector<std::string> names_of(const std::vector<const RingNode*>& nodes) {
  std::vector<std::string> names;
  for (const RingNode* node : nodes) {
    names.push_back(node->name);
  }
  return names;
}

/// What go-dispatch's own package computed.
const nlohmann::json& vectors() {
  static const nlohmann::json kVectors =
      nlohmann::json::parse(std::ifstream(NODEPOOL_TEST_DATA "/ring_vectors.json"));
  return kVectors;
}

std::uint64_t number(const nlohmann::json& value) {
  return value.is_string() ? std::stoull(value.get<std::string>()) : value.get<std::uint64_t>();
}

std::vector<RingNode> host_set(const std::string& name) {
  std::vector<RingNode> nodes;
  for (const auto& host : vectors().at("host_sets").at(name)) {
    nodes.push_back({host.get<std::string>()});
  }
  return nodes;
}

TEST(HashKey, EqualsGoDispatchOnEveryVector) {
  const auto& keys = vectors().at("keys");
  ASSERT_EQ(keys.size(), vectors().at("key_hash").size());
  ASSERT_GE(keys.size(), 100U);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(hash_key(keys[i].get<std::string>()), number(vectors().at("key_hash")[i])) << keys[i];
  }
}

TEST(HashKey, TakesEmptyKeysAndKeysWithNul) {
  EXPECT_EQ(hash_key(""), 0xef46db3751d8e999U);  // The value that xxHash publishes for no input and seed 0.
  EXPECT_EQ(hash_key(std::string_view()), hash_key(""));
  using namespace std::string_view_literals;
  EXPECT_NE(hash_key("a\0b"sv), hash_key("a"sv));
  EXPECT_NE(hash_key("a\0b"sv), hash_key("a\0c"sv));
}

TEST(HashRing, HasTheSamePointsAsGoDispatch) {
  ASSERT_FALSE(vectors().at("rings").empty());
  for (const auto& expected : vectors().at("rings")) {
    SCOPED_TRACE(expected.at("host_set"));
    const auto ring = make(host_set(expected.at("host_set")), expected.at("replicas").get<unsigned>());
    const auto& points = ring.point_hashes();
    ASSERT_EQ(points.size(), number(expected.at("distinct_points")));
    EXPECT_TRUE(std::is_sorted(points.begin(), points.end()));
    const auto& first = expected.at("first20_points");
    ASSERT_EQ(first.size(), 20U);
    for (std::size_t i = 0; i < first.size(); ++i) {
      EXPECT_EQ(points[i], number(first[i]));
    }
    EXPECT_EQ(points.back(), number(expected.at("last_point")));
  }
}

TEST(HashRing, GivesEveryKeyTheOwnerThatGoDispatchGivesIt) {
  const auto& keys = vectors().at("keys");
  for (const auto& expected : vectors().at("rings")) {
    SCOPED_TRACE(expected.at("host_set"));
    const auto nodes = host_set(expected.at("host_set"));
    const auto ring = make(nodes, expected.at("replicas").get<unsigned>());
    ASSERT_EQ(expected.at("owner").size(), keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto* owner = ring.owner(keys[i].get<std::string>());
      ASSERT_NE(owner, nullptr);
      EXPECT_EQ(owner->name, nodes.at(expected.at("owner")[i].get<std::size_t>()).name) << keys[i];
    }
  }
}

TEST(HashRing, GivesACollidingPointToTheSmallerNameWhateverTheOrder) {
  for (const auto& [small, great] : {std::pair{"worker-1", "worker-11"}, std::pair{"host-1", "host-11"}}) {
    const auto point = hash_key(std::string(small) + "10");
    ASSERT_EQ(point, hash_key(std::string(great) + "0"));
    const auto first = make({{small}, {great}}, 50);
    const auto second = make({{great}, {small}}, 50);
    const auto third = make({{great}}, 50).with({small}).value();
    const auto fourth = make({{small}}, 50).with({great}).value();
    EXPECT_EQ(first.point_hashes().size(), 90U);  // Points 10..19 of the one are 0..9 of the other.
    for (const auto* ring : {&first, &second, &third, &fourth}) {
      EXPECT_EQ(ring->owner_of_hash(point)->name, small);
      EXPECT_EQ(ring->point_hashes(), first.point_hashes());
    }
  }
}

TEST(HashRing, BringsAShadowedPointBackWhenItsWinnerLeaves) {
  const auto point = hash_key("worker-110");
  const auto ring = make({{"worker-1"}, {"worker-11"}, {"worker-2"}}, 50).without("worker-1");
  EXPECT_EQ(ring.owner_of_hash(point)->name, "worker-11");
  EXPECT_EQ(ring.point_hashes(), make({{"worker-11"}, {"worker-2"}}, 50).point_hashes());
}

TEST(HashRing, LetsANodeWithoutAPointOfItsOwnOwnNothing) {
  // With one point each, "w1" has only the point "w10", which is point 10 of "w" at weight 11.
  const auto ring = make({{"w", 11}, {"w1", 1}}, 1);
  EXPECT_TRUE(ring.arcs_of("w1").empty());
  EXPECT_EQ(ring.arcs_of("w").arcs(), (std::vector<ArcSet::Arc>{{0, ~std::uint64_t{0}}}));
  EXPECT_EQ(ring.nodes().size(), 2U);
  EXPECT_THAT(names_of(ring.owners("job", 5)), ElementsAre("w"));
  EXPECT_EQ(ring.without("w").owner("job")->name, "w1");
}

TEST(HashRing, OwnsNothingWhenEmpty) {
  for (const auto& ring : {HashRing(), make({}, 50), make({{"a"}}, 50).without("a")}) {
    EXPECT_EQ(ring.owner("job"), nullptr);
    EXPECT_EQ(ring.owner_of_hash(0), nullptr);
    EXPECT_TRUE(ring.owners("job", 3).empty());
    EXPECT_TRUE(ring.arcs_of("a").empty());
    EXPECT_TRUE(ring.nodes().empty());
    EXPECT_TRUE(ring.point_hashes().empty());
  }
  EXPECT_EQ(make({}, 50).points(), 50U);
}

TEST(HashRing, StaysUsableAfterItWasMovedFrom) {
  auto ring = make({{"a"}}, 50);
  const auto taken = std::move(ring);
  EXPECT_EQ(taken.owner("job")->name, "a");
  EXPECT_EQ(ring.owner("job"), nullptr);  // NOLINT(bugprone-use-after-move): this is what is tested.
  EXPECT_TRUE(ring.nodes().empty());
}

TEST(HashRing, GivesASingleNodeEverything) {
  const auto ring = make({{"only"}}, 7);
  for (const char* key : {"", "a", "job1", "only0"}) {
    EXPECT_EQ(ring.owner(key)->name, "only");
  }
  EXPECT_EQ(ring.arcs_of("only").arcs(), (std::vector<ArcSet::Arc>{{0, ~std::uint64_t{0}}}));
}

TEST(HashRing, OwnsAPointInclusivelyAndWrapsBehindTheLast) {
  const auto ring = make({{"a"}, {"b"}, {"c"}}, 5);
  const auto& points = ring.point_hashes();
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    EXPECT_EQ(ring.owner_of_hash(points[i] + 1), ring.owner_of_hash(points[i + 1]));
  }
  EXPECT_EQ(ring.owner_of_hash(points.back() + 1), ring.owner_of_hash(points.front()));
  EXPECT_EQ(ring.owner_of_hash(~std::uint64_t{0}), ring.owner_of_hash(0));
}

TEST(HashRing, ListsOwnersOnceEachClockwise) {
  const auto ring = make({{"a"}, {"b"}, {"c"}, {"d"}}, 50);
  const auto all = names_of(ring.owners("job1", 10));
  EXPECT_EQ(all.size(), 4U);
  EXPECT_EQ(all.front(), ring.owner("job1")->name);
  EXPECT_TRUE(ring.owners("job1", 0).empty());
  // The next owner is who takes over when the first is gone.
  EXPECT_EQ(ring.without(all[0]).owner("job1")->name, all[1]);
  EXPECT_EQ(ring.without(all[0]).without(all[1]).owner("job1")->name, all[2]);
}

TEST(HashRing, GivesAWeightedNodePointsInProportion) {
  const auto ring = make({{"heavy", 3}, {"light", 1}}, 50);
  EXPECT_EQ(ring.point_hashes().size(), 200U);
  EXPECT_EQ(ring.nodes().front().weight, 3U);
  const auto same_name_lighter = make({{"heavy", 1}, {"light", 1}}, 50);
  EXPECT_EQ(same_name_lighter.point_hashes().size(), 100U);
  EXPECT_TRUE(std::includes(ring.point_hashes().begin(), ring.point_hashes().end(),
                            same_name_lighter.point_hashes().begin(),
                            same_name_lighter.point_hashes().end()));
}

TEST(HashRing, KeepsItsNodesAscendingBytewise) {
  const auto ring = make({{"b"}, {"\xc3\xa9"}, {"B"}, {"a"}}, 1).with({"aa"}).value();
  std::vector<std::string> names;
  for (const auto& node : ring.nodes()) {
    names.push_back(node.name);
  }
  EXPECT_THAT(names, ElementsAre("B", "a", "aa", "b", "\xc3\xa9"));
}

TEST(HashRing, NamesWhatIsWrong) {
  const auto message = [](std::vector<RingNode> nodes, unsigned points) {
    const auto ring = HashRing::build(std::move(nodes), points);
    EXPECT_FALSE(ring.has_value());
    EXPECT_EQ(ring.error().code, ErrorCode::invalid_argument);
    return ring.error().message;
  };
  EXPECT_THAT(message({{"a"}, {"twice"}, {"twice", 2}}, 50), HasSubstr("\"twice\""));
  EXPECT_THAT(message({{"a"}, {""}}, 50), HasSubstr("empty name"));
  EXPECT_THAT(message({{"a", 0}}, 50), HasSubstr("\"a\" has weight 0"));
  EXPECT_THAT(message({{"a", 101}}, 50), HasSubstr("\"a\" has weight 101"));
  EXPECT_THAT(message({{"a"}}, 0), HasSubstr("0 points"));
  EXPECT_THAT(message({{"a"}}, 10'001), HasSubstr("10001 points"));
  EXPECT_THAT(message({{"a\nb", 0}}, 50), HasSubstr("\"a\\x0ab\""));
}

TEST(HashRing, RefusesTheSameFaultsWhenANodeIsAdded) {
  const auto ring = make({{"a"}}, 50);
  EXPECT_THAT(ring.with({"a"}).error().message, HasSubstr("\"a\" is on the ring twice"));
  EXPECT_THAT(ring.with({""}).error().message, HasSubstr("empty name"));
  EXPECT_THAT(ring.with({"b", 0}).error().message, HasSubstr("\"b\" has weight 0"));
  EXPECT_THAT(HashRing().with({"a"}).error().message, HasSubstr("0 points"));
}

TEST(HashRing, AcceptsTheExtremes) {
  const auto ring = make({{"a", kMaxWeight}, {"b", 1}}, kMaxPoints);
  EXPECT_EQ(ring.point_hashes().size(), std::size_t{kMaxWeight} * kMaxPoints + kMaxPoints);
}

TEST(HashRing, LeavesTheOldRingAsItWas) {
  const auto before = make({{"a"}, {"b"}}, 50);
  const auto points = before.point_hashes();
  const auto after = before.with({"c"}).value();
  EXPECT_EQ(before.point_hashes(), points);
  EXPECT_EQ(before.nodes().size(), 2U);
  EXPECT_EQ(after.nodes().size(), 3U);
  EXPECT_EQ(before.without("nobody").point_hashes(), points);
}

TEST(HashRing, KeepsAnOwnerAliveWithACopy) {
  auto ring = make({{"a"}}, 50);
  const auto copy = ring;
  const RingNode* owner = ring.owner("job");
  ring = HashRing();
  EXPECT_EQ(owner, copy.owner("job"));
  EXPECT_EQ(owner->name, "a");
}

TEST(HashRing, LooksUpWithoutAllocating) {
  const auto ring = make(host_set("host100"), 50);
  const std::string key(300, 'k');
  const auto before = test::allocations();
  const RingNode* owner = ring.owner(key);
  const auto after = test::allocations();
  EXPECT_NE(owner, nullptr);
  EXPECT_EQ(after, before);
  // The counter counts: a look-up that returns a vector allocates.
  EXPECT_FALSE(ring.owners(key, 2).empty());
  EXPECT_GT(test::allocations(), after);
}

TEST(HashRing, IsReadByManyThreadsAtOnce) {
  const auto ring = make(host_set("host100"), 50);
  const auto* expected = ring.owner("job1");
  std::vector<std::jthread> threads;
  std::vector<int> wrong(4, 0);
  for (int& count : wrong) {
    threads.emplace_back([&ring, &count, expected] {
      for (int i = 0; i < 10'000; ++i) {
        const HashRing copy = ring;
        count += copy.owner("job1") == expected ? 0 : 1;
      }
    });
  }
  threads.clear();
  EXPECT_THAT(wrong, testing::Each(0));
}

TEST(ArcSet, JoinsAdjacentArcs) {
  EXPECT_EQ(ArcSet({{0, 4}, {5, 9}, {11, 12}, {13, 13}}), ArcSet({{0, 9}, {11, 13}}));
  EXPECT_EQ(ArcSet({{0, 4}, {5, ~std::uint64_t{0}}}).arcs().size(), 1U);
  EXPECT_TRUE(ArcSet(std::vector<ArcSet::Arc>{}).empty());
}

TEST(ArcSet, ContainsBothEndsOfAnArc) {
  const ArcSet set({{3, 5}, {8, 8}, {20, ~std::uint64_t{0}}});
  for (const std::uint64_t in : {3ULL, 4ULL, 5ULL, 8ULL, 20ULL, 21ULL, ~0ULL}) {
    EXPECT_TRUE(set.contains(in)) << in;
  }
  for (const std::uint64_t out : {0ULL, 2ULL, 6ULL, 7ULL, 9ULL, 19ULL}) {
    EXPECT_FALSE(set.contains(out)) << out;
  }
  EXPECT_FALSE(ArcSet().contains(0));
}

TEST(ArcSet, IntersectsToWhatIsInBoth) {
  const ArcSet left({{0, 10}, {20, 30}, {40, 50}});
  const ArcSet right({{5, 22}, {30, 30}, {31, 39}, {45, ~std::uint64_t{0}}});
  EXPECT_EQ(left.intersect(right), ArcSet({{5, 10}, {20, 22}, {30, 30}, {45, 50}}));
  EXPECT_EQ(right.intersect(left), left.intersect(right));
  EXPECT_TRUE(left.intersect(ArcSet()).empty());
}

}  // namespace
}  // namespace nodepool
