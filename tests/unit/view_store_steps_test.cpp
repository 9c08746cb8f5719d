// How newcomers are admitted in batches, and how little the store says to bring a caller up to date (R4,
// docs/protocol.md), as dialogues.

#include <gtest/gtest.h>

#include "core/view_change.hpp"
#include "nodepool/view_store.hpp"
#include "support/store_dialogue.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::StoreDialogue;
using Kind = Hint::Kind;

std::vector<std::string> names_of(const std::vector<NodeInfo>& members) {
  std::vector<std::string> names;
  for (const NodeInfo& member : members) names.push_back(member.name.str());
  return names;
}

/// A pool of "a" and "b", settled, that admits in batches. Heartbeat 1 s.
StoreDialogue batching_pool() {
  StoreDialogue d;
  d.settle({"a", "b"});
  d.now.batches_from = 2;
  return d;
}

TEST(ViewStoreBatches, TheFirstNewcomerOfASettledPoolDoesNotWait) {
  StoreDialogue d = batching_pool();
  const SyncReply reply = d.sync("c");
  EXPECT_FALSE(reply.waiting);
  EXPECT_TRUE(d.has("c"));
}

TEST(ViewStoreBatches, ANewcomerWaitsWhileTheViewIsUnsettledWithoutLeaseAndView) {
  StoreDialogue d = batching_pool();
  d.sync("c");
  const Epoch epoch = d.state->view.epoch;
  const SyncReply reply = d.try_sync("d").value();
  EXPECT_TRUE(reply.waiting);
  EXPECT_FALSE(reply.members || reply.change);
  EXPECT_EQ(reply.look_again_in, 250ms) << "a quarter of a heartbeat";
  EXPECT_FALSE(d.has("d"));
  EXPECT_EQ(d.state->view.epoch, epoch);
  EXPECT_TRUE(d.hints.empty());
}

TEST(ViewStoreBatches, AllWhoWaitComeWithOneView) {
  StoreDialogue d = batching_pool();
  d.sync("c");
  for (const char* name : {"d", "e", "f"}) EXPECT_TRUE(d.try_sync(name).value().waiting);
  for (const char* name : {"a", "b", "c", "a", "b"}) d.sync(name);
  EXPECT_TRUE(d.state->settled);
  const SyncReply reply = d.try_sync("e").value();
  ASSERT_TRUE(reply.members.has_value());
  EXPECT_EQ(names_of(*reply.members), (std::vector<std::string>{"a", "b", "c", "d", "e", "f"}));
  ASSERT_EQ(d.hints.size(), 1U);
  EXPECT_EQ(names_of(d.hints[0].detail->change.present), (std::vector<std::string>{"d", "e", "f"}));
}

TEST(ViewStoreBatches, NobodyWaitsLongerThanAQuarterOfAHeartbeat) {
  StoreDialogue d = batching_pool();
  d.sync("c");
  EXPECT_TRUE(d.try_sync("d").value().waiting);
  d.pass(249ms);
  EXPECT_TRUE(d.try_sync("d").value().waiting);
  d.pass(1ms);
  EXPECT_FALSE(d.try_sync("d").value().waiting) << "the view is still unsettled";
  EXPECT_TRUE(d.has("d"));
}

TEST(ViewStoreBatches, AnyNewViewTakesThoseWhoWaitAlong) {
  StoreDialogue d = batching_pool();
  d.sync("c");
  EXPECT_TRUE(d.try_sync("d").value().waiting);
  d.leave("b");
  EXPECT_TRUE(d.has("d"));
  EXPECT_FALSE(d.has("b"));
}

TEST(ViewStoreBatches, WhoLeavesWhileItWaitsIsNotAdmitted) {
  StoreDialogue d = batching_pool();
  d.sync("c");
  EXPECT_TRUE(d.try_sync("d").value().waiting);
  d.leave("d");
  d.leave("b");
  EXPECT_FALSE(d.has("d"));
}

TEST(ViewStoreBatches, WhoDoesNotAskAgainWithinALeaseIsNotAdmitted) {
  StoreDialogue d = batching_pool();
  d.sync("c");
  EXPECT_TRUE(d.try_sync("d").value().waiting);
  for (int second = 0; second < 5; ++second) {
    d.pass(1s);
    for (const char* name : {"a", "c"}) d.sync_unheard(name);
  }
  ASSERT_FALSE(d.has("b")) << "evicted, which made a new view";
  d.sync("e");
  EXPECT_TRUE(d.has("e"));
  EXPECT_FALSE(d.has("d"));
}

TEST(ViewStoreBatches, MembersWhoseLeasesRunOutOneAfterTheOtherGoTogether) {
  StoreDialogue d;
  d.settle({"a", "b", "c", "d"});
  d.now.batches_from = 2;
  const auto end_lease = [&](const char* name) {
    d.state->members.at(NodeId(name)).lease_until = d.state->clock;
  };
  end_lease("b");
  d.sync("a");
  EXPECT_FALSE(d.has("b")) << "the first of a settled pool goes at once";
  end_lease("c");
  EXPECT_EQ(d.sync("a").look_again_in, 250ms) << "a quarter of a heartbeat";
  end_lease("d");
  d.pass(249ms);
  d.sync("a");
  EXPECT_TRUE(d.has("c") && d.has("d"));
  const Epoch before = d.state->view.epoch;
  d.pass(1ms);
  EXPECT_EQ(d.sync("a").members->size(), 1U);
  EXPECT_EQ(d.state->view.epoch.value, before.value + 1);
}

TEST(ViewStoreBatches, ADeadMemberGoesAlsoWhereViewsChangeAllTheTime) {
  StoreDialogue d;
  d.settle({"a", "b"});
  d.now.batches_from = 1;
  for (int round = 0; round < 25; ++round) {
    d.pass(200ms);
    d.node("a").node.zone = std::to_string(round);
    d.sync("a");
  }
  EXPECT_FALSE(d.has("b"));
}

TEST(ViewStoreBatches, ALateRequestOfAWaitingNodeIsRefused) {
  StoreDialogue d = batching_pool();
  d.sync("c");
  d.sync_unheard("d");
  d.node("d").sequence -= 1;
  EXPECT_EQ(d.try_sync("d").error().code, ErrorCode::outcome_unknown);
}

TEST(ViewStoreSteps, ACallerThatIsOneViewBehindGetsTheDifference) {
  StoreDialogue d;
  d.settle({"a", "b"});
  d.sync("c");
  const SyncReply reply = d.try_sync("a").value();
  EXPECT_FALSE(reply.members.has_value());
  ASSERT_TRUE(reply.change.has_value());
  EXPECT_EQ(names_of(reply.change->present), std::vector<std::string>{"c"});
  EXPECT_TRUE(reply.change->gone.empty());
}

TEST(ViewStoreSteps, ACallerThatIsSomeViewsBehindGetsOneDifferenceOverAll) {
  StoreDialogue d;
  d.settle({"a", "b"});
  const ViewStamp known = d.node("a").known;
  std::vector<NodeInfo> members = *d.sync("c").members;
  std::erase_if(members, [](const NodeInfo& node) { return node.name == NodeName("c"); });
  d.node("b").node.weight = 3;
  d.sync("b");
  d.leave("c");
  d.sync("d");
  const SyncReply reply = d.try_sync("a").value();
  ASSERT_TRUE(reply.change.has_value());
  EXPECT_EQ(reply.change->base, known);
  EXPECT_EQ(reply.change->gone, std::vector<NodeId>{NodeId("c")});
  EXPECT_EQ(names_of(reply.change->present), (std::vector<std::string>{"b", "d"}));
  EXPECT_EQ(names_of(changed_members(members, *reply.change)), (std::vector<std::string>{"a", "b", "d"}));
}

TEST(ViewStoreSteps, ACallerThatIsFarBehindGetsAllMembers) {
  StoreDialogue d;
  d.settle({"a", "b"});
  for (unsigned round = 0; round <= kMaxSteps; ++round) {
    d.node("b").node.weight = 1 + round % 2;
    d.node("b").node.zone = std::to_string(round);
    d.sync("b");
  }
  EXPECT_EQ(d.state->steps.size(), kMaxSteps);
  EXPECT_TRUE(d.try_sync("a").value().members.has_value());
}

TEST(ViewStoreSteps, ALongStepIsNeitherRememberedNorTold) {
  StoreDialogue d = batching_pool();
  d.sync("c");
  for (int number = 0; number < 40; ++number) {
    const std::string name = "n" + std::to_string(number);
    d.node(name).node.metadata = {{"filling", std::string(kMaxStepBytes / 40, 'x')}};
    d.sync_unheard(name);
  }
  d.pass(250ms);
  d.sync("d");
  EXPECT_TRUE(d.published(Kind::view));
  EXPECT_FALSE(d.hints[0].detail.has_value());
  EXPECT_TRUE(d.try_sync("a").value().members.has_value());
}

TEST(ViewStoreSteps, TheSettledHintNamesTheHeldJobsAndAReleaseWhatIsLeft) {
  StoreDialogue d;
  d.settle({"a", "b"});
  d.sync("c");
  d.sync("b");
  d.node("a").held = {"job1", "job2"};
  d.sync("a");
  d.node("a").held = {"job1", "job2"};
  d.sync("a");
  d.sync("b");
  d.sync("c");
  ASSERT_TRUE(d.published(Kind::settled));
  EXPECT_EQ(d.hints.back().detail->view, d.state->view);
  EXPECT_EQ(d.hints.back().detail->held, (std::vector<std::string>{"job1", "job2"}));
  d.node("a").held = {"job2"};
  d.sync("a");
  ASSERT_TRUE(d.published(Kind::release));
  EXPECT_EQ(d.hints.back().detail->held, std::vector<std::string>{"job2"});
}

TEST(ViewStoreSteps, AReleaseUnderAnUnsettledViewIsNotTold) {
  StoreDialogue d;
  d.settle({"a", "b"});
  d.sync("c");
  d.sync("b");
  d.node("b").held = {"job1"};
  d.sync("b");
  d.node("b").held = {};
  d.sync("b");
  EXPECT_TRUE(d.hints.empty()) << "a has not told its holds yet, and nobody can act on it";
}

TEST(ViewStoreSteps, TheTextOfAStateHasThoseWhoWaitAndTheSteps) {
  StoreDialogue d = batching_pool();
  d.sync("c");
  EXPECT_TRUE(d.try_sync("d").value().waiting);
  ASSERT_FALSE(d.state->steps.empty());
  EXPECT_EQ(decode_state(encode_state(*d.state)).value(), *d.state);
}

TEST(ViewChange, ChangesMergeIntoOneWithTheEffectOfAll) {
  const auto node = [](const std::string& name, unsigned weight) {
    return NodeInfo{.id = NodeId("id-" + name), .name = NodeName(name), .weight = weight};
  };
  const std::vector<NodeInfo> members{node("a", 1), node("b", 1), node("c", 1)};
  const std::vector<ViewChange> changes{
      {.base = {"l", {1}, "v1"}, .gone = {NodeId("id-a")}, .present = {node("d", 1)}},
      {.base = {"l", {2}, "v2"}, .gone = {NodeId("id-d")}, .present = {node("a", 2), node("b", 5)}},
      {.base = {"l", {3}, "v3"}, .gone = {NodeId("id-b")}, .present = {node("e", 1)}}};
  std::vector<NodeInfo> stepwise = members;
  for (const ViewChange& change : changes) stepwise = changed_members(stepwise, change);
  const ViewChange all = merged(changes);
  EXPECT_EQ(all.base, changes.front().base);
  EXPECT_EQ(changed_members(members, all), stepwise);
  EXPECT_EQ(stepwise, (std::vector<NodeInfo>{node("a", 2), node("c", 1), node("e", 1)}));
}

}  // namespace
}  // namespace nodepool
