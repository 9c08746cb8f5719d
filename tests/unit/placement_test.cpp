// The rules of placement, from the table of slots to whole pools that use them.

#include "nodepool/placement.hpp"

#include <gtest/gtest.h>

#include "core/standing.hpp"
#include "nodepool/assign.hpp"
#include "nodepool/memory.hpp"
#include "nodepool/pool.hpp"
#include "ring/slots.hpp"
#include "support/node_dialogue.hpp"
#include "support/pools.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::kService;
using test::patient;
using test::some_jobs;

constexpr std::array kKinds{PlacementKind::ring, PlacementKind::rendezvous, PlacementKind::rendezvous_fine};

TEST(PlacementKind, ItsNameIsTheOneInThePoolsConfigurationAndReadsBack) {
  EXPECT_EQ(to_string(PlacementKind::ring), PoolConfig{}.hash);
  EXPECT_EQ(to_string(PlacementKind::rendezvous), "rendezvous-16");
  EXPECT_EQ(to_string(PlacementKind::rendezvous_fine), "rendezvous-20");
  for (const PlacementKind kind : kKinds) EXPECT_EQ(parse_placement_kind(to_string(kind)).value(), kind);
  for (const char* other : {"", "rendezvous", "rendezvous-17", "xxh64-ring "}) {
    EXPECT_EQ(parse_placement_kind(other).error().code, ErrorCode::unsupported) << other;
  }
}

/// The bids must never change, nor differ between compilers: nodes of one pool would disagree.
TEST(SlotTable, TheOwnersAreTheseOnEveryMachine) {
  const auto fingerprint = [](unsigned bits) {
    const auto table =
        ring::SlotTable::build({{"a", 1}, {"b", 3}, {"worker-1", 1}, {"worker-11", 100}}, bits);
    std::string text;
    for (const std::uint16_t owner : table.owners()) text += static_cast<char>('0' + owner);
    return hash_key(text);
  };
  EXPECT_EQ(fingerprint(16), 0x699782627e08cdbdU);
  EXPECT_EQ(fingerprint(20), 0xd61f86e909a29665U);
}

/// A newcomer stops bidding where no winning bid is greater, so the bids by which earlier newcomers won have
/// to be known. These are names of nodes where it would be seen if they were not; they are rare.
TEST(SlotTable, ANewcomerBidsForAllThatAnEarlierOneHasWon) {
  for (const std::string earlier : {"m29", "m34", "m41"}) {
    const std::vector<RingNode> before{{"a"}, {earlier, kMaxWeight}};
    const std::vector<RingNode> after{{"a"}, {earlier, kMaxWeight}, {"n0", kMaxWeight}};
    const auto table = ring::SlotTable::build({{"a"}}, 16).changed_to(before).changed_to(after);
    EXPECT_TRUE(std::ranges::equal(table.owners(), ring::SlotTable::build(after, 16).owners())) << earlier;
  }
}

TEST(SlotTable, TheFullestOfHundredsOfNodesIsNearTheMean) {
  const auto fullest = [](std::size_t count, unsigned bits) {
    std::vector<RingNode> nodes;
    for (std::size_t i = 0; i < count; ++i) nodes.push_back({"node-" + std::to_string(1'000 + i)});
    const auto table = ring::SlotTable::build(nodes, bits);
    std::vector<double> slots(count);
    for (const std::uint16_t owner : table.owners()) ++slots[owner];
    return std::ranges::max(slots) * static_cast<double>(count) / static_cast<double>(table.owners().size());
  };
  EXPECT_LE(fullest(100, 16), 1.15);
  EXPECT_LE(fullest(200, 16), 1.15);
  EXPECT_LE(fullest(1'000, 20), 1.15);
}

TEST(Placement, FaultyNodesAreRefusedAsOnTheRing) {
  for (const PlacementKind kind : kKinds) {
    for (const std::vector<RingNode>& bad :
         {std::vector<RingNode>{{"", 1}}, std::vector<RingNode>{{"a", 0}}, std::vector<RingNode>{{"a", 101}},
          std::vector<RingNode>{{"a"}, {"b"}, {"a", 2}}}) {
      EXPECT_EQ(Placement::build(kind, bad).error().code, ErrorCode::invalid_argument);
      const auto good = Placement::build(kind, {{"a"}, {"b"}}).value();
      EXPECT_EQ(good.changed_to(bad).error().code, ErrorCode::invalid_argument);
    }
  }
  std::vector<RingNode> too_many;
  for (int i = 0; i < 65'536; ++i) too_many.push_back({std::to_string(i)});
  EXPECT_EQ(Placement::build(PlacementKind::rendezvous, too_many).error().code, ErrorCode::invalid_argument);
}

TEST(Placement, WithoutNodesNobodyOwnsAnything) {
  for (const PlacementKind kind : kKinds) {
    const auto one = Placement::build(kind, {{"a"}}).value();
    EXPECT_EQ(one.owner("job")->name, "a");
    const auto none = one.changed_to({}).value();
    EXPECT_EQ(none.owner("job"), nullptr);
    EXPECT_TRUE(none.arcs_of("a").empty());
    EXPECT_EQ(none.changed_to({{"b"}}).value().owner("job")->name, "b");
  }
}

TEST(Placement, CopiesOutliveWhatTheyWereCopiedFrom) {
  std::optional<Placement> first = Placement::build(PlacementKind::rendezvous, {{"a"}, {"b"}}).value();
  const Placement copy = *first;
  const std::string owner = first->owner("job")->name;
  first.reset();
  EXPECT_EQ(copy.owner("job")->name, owner);
}

TEST(AdoptedView, IsTheSameWhetherChangedOrMadeAnew) {
  const auto member = [](const char* name, unsigned weight, bool draining = false) {
    return NodeInfo{.id = NodeId(name), .name = NodeName(name), .weight = weight, .draining = draining};
  };
  const std::vector<std::vector<NodeInfo>> histories{{member("a", 1), member("b", 1)},
                                                     {member("a", 1), member("b", 1), member("c", 2)},
                                                     {member("a", 1), member("b", 1, true), member("c", 2)},
                                                     {member("a", 1), member("c", 5)},
                                                     {member("a", 1)}};
  for (const PlacementKind kind : kKinds) {
    PoolConfig config{.hash = std::string(to_string(kind)), .points = kind == PlacementKind::ring ? 50U : 0U};
    std::optional<AdoptedView> before;
    for (const auto& members : histories) {
      const auto adopt = [&](const AdoptedView* from) {
        return adopt_view({"l", {9}, "v"}, members, NodeId("a"), config, from, at(1s)).value();
      };
      const AdoptedView changed = adopt(before ? &*before : nullptr);
      const AdoptedView anew = adopt(nullptr);
      EXPECT_EQ(changed.placement.arcs_of("a"), anew.placement.arcs_of("a"));
      for (const std::string& job : some_jobs(200)) {
        EXPECT_EQ(changed.owner(job)->name, anew.owner(job)->name);
        EXPECT_EQ(changed.owned.contains(hash_key(job)), anew.owner(job)->name == NodeName("a"));
      }
      before = changed;
    }
    config.hash = "unheard-of";
    const auto refused = adopt_view({"l", {9}, "v"}, histories[0], NodeId("a"), config, nullptr, at(1s));
    EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  }
}

PoolOptions placed_by(PlacementKind kind, const char* name) {
  PoolOptions options = patient(name);
  options.placement = kind;
  return options;
}

TEST(PoolPlacement, MembersDivideTheJobsBySlots) {
  const auto store = open_memory();
  NodePool a(kService, store, placed_by(PlacementKind::rendezvous, "a"));
  NodePool b(kService, store, placed_by(PlacementKind::rendezvous, "b"));
  ASSERT_TRUE(a.start().has_value());
  ASSERT_TRUE(b.start().has_value());
  ASSERT_TRUE(test::eventually([&] { return a.nodes().size() == 2 && a.state() == NodeState::steady; }));
  const auto placement = Placement::build(PlacementKind::rendezvous, places_of(a.view().members)).value();
  for (const std::string& job : some_jobs(500)) {
    EXPECT_EQ(a.is_eligible(job), placement.owner(job)->name == "a") << job;
    EXPECT_NE(a.is_eligible(job), b.is_eligible(job)) << job;
    EXPECT_EQ(b.owner(job)->name.str(), placement.owner(job)->name);
  }
}

TEST(PoolPlacement, AnotherRuleIsRefusedAndItsPointsMeanNothingToSlots) {
  const auto store = open_memory();
  NodePool a(kService, store, placed_by(PlacementKind::rendezvous, "a"));
  ASSERT_TRUE(a.start().has_value());
  for (const PlacementKind kind : {PlacementKind::ring, PlacementKind::rendezvous_fine}) {
    NodePool other(kService, store, placed_by(kind, "b"));
    const auto started = other.start();
    ASSERT_FALSE(started.has_value());
    EXPECT_EQ(started.error().code, ErrorCode::config_mismatch);
    EXPECT_NE(started.error().message.find("rendezvous-16"), std::string::npos) << started.error().message;
  }
  PoolOptions other_points = placed_by(PlacementKind::rendezvous, "c");
  other_points.points = 77;
  NodePool c(kService, store, other_points);
  EXPECT_TRUE(c.start().has_value());
}

TEST(Assign, ABoundThatCannotBeKeptIsRefused) {
  const auto placement = Placement::build(PlacementKind::ring, {{"a"}}).value();
  for (const unsigned percent : {0U, 99U, 10'001U}) {
    EXPECT_EQ(assign(JobSet({"job"}), placement, percent).error().code, ErrorCode::invalid_argument);
  }
}

TEST(Assign, WithoutNodesNobodyGetsAnything) {
  const Assignment assignment = assign(JobSet({"job"}), Placement(), 125).value();
  EXPECT_EQ(assignment.size(), 1U);
  EXPECT_EQ(assignment.owner(0), nullptr);
  EXPECT_TRUE(assignment.jobs_of("a").empty());
}

/// Where the mean passes an integer, all bounds would step together: 1,000 nodes with 100 jobs each lose one.
TEST(Assign, ALossMovesLittleMoreThanItMustEvenWhereTheMeanPassesAnInteger) {
  std::vector<std::string> names;
  for (int i = 0; i < 100'000; ++i) names.push_back("job-" + std::to_string(i));
  const JobSet jobs(std::move(names));
  std::vector<RingNode> nodes;
  for (int i = 0; i < 1'000; ++i) nodes.push_back({"node-" + std::to_string(i) + "-"});
  double moved = 0;
  double lost = 0;
  auto placement = Placement::build(PlacementKind::ring, nodes).value();
  Assignment before = assign(jobs, placement).value();
  for (int loss = 0; loss < 8; ++loss) {
    lost += static_cast<double>(before.jobs_of(nodes.back().name).size());
    nodes.pop_back();
    placement = placement.changed_to(nodes).value();
    const Assignment after = assign(jobs, placement).value();
    for (std::size_t job = 0; job < jobs.size(); ++job) {
      moved += before.owner(job)->name != after.owner(job)->name ? 1 : 0;
    }
    before = after;
  }
  EXPECT_LE(moved / lost, 1.3);
}

}  // namespace
}  // namespace nodepool
