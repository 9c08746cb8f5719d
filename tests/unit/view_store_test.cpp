// The store's side of the protocol, rules R1, R2, R5 and R6 (docs/protocol.md), as dialogues.

#include "nodepool/view_store.hpp"

#include <gtest/gtest.h>

#include "support/store_dialogue.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::StoreDialogue;
using Kind = Hint::Kind;

TEST(ViewStore, TheFirstNodeOfAProvenFreshStoreIsSettledAfterItsAcknowledgement) {
  StoreDialogue d;
  const SyncReply joined = d.sync("a");
  EXPECT_FALSE(joined.settled);
  ASSERT_TRUE(joined.members.has_value());
  EXPECT_EQ(joined.members->size(), 1U);
  EXPECT_TRUE(d.published(Kind::view));

  const SyncReply acknowledged = d.sync("a");
  EXPECT_TRUE(acknowledged.settled);
  EXPECT_FALSE(acknowledged.members.has_value()) << "the caller knows this view";
  EXPECT_EQ(acknowledged.view, joined.view);
  EXPECT_TRUE(d.published(Kind::settled));
}

TEST(ViewStore, AViewSettlesOnlyWhenEveryMemberHasAcknowledgedIt) {
  StoreDialogue d;
  d.settle({"a"});
  d.sync("b");
  EXPECT_FALSE(d.sync("b").settled) << "a still acts by the old view";
  d.sync("a");
  EXPECT_TRUE(d.sync("a").settled);
}

TEST(ViewStore, AnAcknowledgementOfAnOlderViewCountsForNothing) {
  StoreDialogue d;
  d.settle({"a", "b"});
  d.sync("c");
  d.sync("c");
  d.sync_unheard("a");  // a goes on sending the old view as known
  d.sync_unheard("a");
  d.sync("b");
  EXPECT_FALSE(d.sync("b").settled);
}

TEST(ViewStore, TheSettledHintIsPublishedOncePerView) {
  StoreDialogue d;
  int settled = 0;
  for (int round = 0; round < 5; ++round) {
    for (const char* name : {"a", "b", "c"}) {
      d.sync(name);
      settled += d.published(Kind::settled) ? 1 : 0;
    }
  }
  EXPECT_EQ(settled, 1);
}

TEST(ViewStore, MembersAreAscendingByNameThenId) {
  StoreDialogue d;
  d.node("1").node.name = NodeName("z");
  d.node("3").node.name = NodeName("m");
  d.node("2").node.name = NodeName("m");
  d.sync("1");
  d.sync("3");
  const SyncReply reply = d.sync("2");
  std::vector<std::string> ids;
  for (const NodeInfo& member : *reply.members) ids.push_back(member.id.str());
  EXPECT_EQ(ids, (std::vector<std::string>{"2", "3", "1"}));
}

TEST(ViewStore, AChangedRecordMakesANewView) {
  StoreDialogue d;
  d.settle({"a"});
  const Epoch before = d.state->view.epoch;
  d.node("a").node.weight = 2;
  EXPECT_GT(d.sync("a").view.epoch, before);
  d.settle({"a"});
  d.node("a").node.draining = true;
  d.node("a").intent = Intent::draining;
  const SyncReply reply = d.sync("a");
  EXPECT_FALSE(reply.settled);
  EXPECT_TRUE(reply.members->front().draining);
}

// ---- R1: the pool's clock

TEST(ViewStoreClock, AStepForwardAddsAtMostOneAndAQuarterHeartbeats) {
  StoreDialogue d;
  d.settle({"a", "b"});
  const auto before = d.state->clock;
  d.pass(24h);
  d.sync("a");
  EXPECT_EQ(d.state->clock - before, 1250ms);
  EXPECT_TRUE(d.has("b")) << "no lease ends by a step of the clock alone";
}

TEST(ViewStoreClock, AStepBackAddsNothingAndTheClockGoesOnFromThere) {
  StoreDialogue d;
  d.settle({"a"});
  const auto before = d.state->clock;
  d.pass(-3600s);
  d.sync("a");
  EXPECT_EQ(d.state->clock, before);
  d.pass(300ms);
  d.sync("a");
  EXPECT_EQ(d.state->clock - before, 300ms);
}

TEST(ViewStoreClock, AnOutageAgesNoLease) {
  StoreDialogue d;
  d.settle({"a", "b", "c"});
  const Epoch before = d.state->view.epoch;
  d.pass(1h);
  for (const char* name : {"a", "b", "c"}) d.sync(name);
  EXPECT_EQ(d.state->view.epoch, before);
}

// ---- R2: eviction, admission, leaving

TEST(ViewStore, ASilentMemberIsEvictedAfterItsLeaseAndNotBefore) {
  StoreDialogue d;
  d.settle({"a", "b"});
  d.live({"a"}, 3s);
  EXPECT_TRUE(d.has("b"));
  d.pass(999'999us);
  d.sync("a");
  EXPECT_TRUE(d.has("b"));
  d.pass(1us);
  const SyncReply reply = d.sync("a");
  EXPECT_FALSE(d.has("b"));
  EXPECT_EQ(reply.members->size(), 1U);
  EXPECT_TRUE(d.sync("a").settled);
}

TEST(ViewStore, AnEvictedMembersHoldsGoWithIt) {
  StoreDialogue d;
  d.settle({"a", "b"});
  d.node("b").held = {"job"};
  d.sync("b");
  EXPECT_EQ(d.sync("a").holds_of_others, (std::vector<Hold>{{NodeId("b"), "job"}}));
  d.live({"a"}, 5s);
  EXPECT_TRUE(d.sync("a").holds_of_others.empty());
}

TEST(ViewStore, ACallerWhoseOwnLeaseRanOutIsEvictedAndAdmittedAnew) {
  StoreDialogue d;
  d.settle({"a", "b"});
  const ViewStamp before = d.state->view;
  for (int i = 0; i < 4; ++i) {
    d.pass(1250ms);
    d.sync("b");  // the clock runs on, a is silent; b's sync evicts it at the fourth
  }
  ASSERT_FALSE(d.has("a"));
  d.live({"b"}, 1s);
  const SyncReply back = d.sync("a");
  EXPECT_TRUE(d.has("a"));
  EXPECT_GT(back.view.epoch.value, before.epoch.value + 1);
  EXPECT_FALSE(back.settled);
}

TEST(ViewStore, ACallerWhoseLeaseRanOutRenewsItWhileNobodyHasTakenOver) {
  StoreDialogue d;
  d.settle({"a", "b"});
  const Epoch before = d.state->view.epoch;
  d.state->members.at(NodeId("a")).lease_until = d.state->clock;
  EXPECT_TRUE(d.sync("a").settled);
  EXPECT_EQ(d.state->view.epoch, before);
  d.state->members.at(NodeId("a")).lease_until = d.state->clock;
  d.sync("b");
  EXPECT_FALSE(d.has("a"));
  EXPECT_FALSE(d.sync("a").settled) << "a new membership";
}

TEST(ViewStore, ALeaverIsGoneAtOnceAndTheOthersSettleWithoutIt) {
  StoreDialogue d;
  d.settle({"a", "b"});
  const SyncReply bye = d.leave("b");
  EXPECT_FALSE(d.has("b"));
  EXPECT_TRUE(d.published(Kind::view));
  EXPECT_FALSE(bye.settled);
  d.sync("a");
  EXPECT_TRUE(d.sync("a").settled);
}

TEST(ViewStore, ALeaveOfAnUnknownChangesNoView) {
  StoreDialogue d;
  d.settle({"a"});
  const ViewStamp before = d.state->view;
  d.leave("stranger");
  EXPECT_EQ(d.state->view, before);
  EXPECT_TRUE(d.state->settled);
  EXPECT_TRUE(d.hints.empty());
}

TEST(ViewStore, ALeaveAtAStoreWithoutStateMakesNone) {
  StoreDialogue d;
  d.leave("a");
  EXPECT_FALSE(d.state.has_value());
  EXPECT_TRUE(d.hints.empty());
}

// ---- R5: holds, sequence

TEST(ViewStore, HoldsAreReplacedByEachSyncAndAReleaseIsPublished) {
  StoreDialogue d;
  d.settle({"a", "b"});
  d.node("b").held = {"x", "y"};
  d.sync("b");
  EXPECT_FALSE(d.published(Kind::release));
  d.node("b").held = {"y"};
  d.sync("b");
  EXPECT_TRUE(d.published(Kind::release));
  EXPECT_EQ(d.sync("a").holds_of_others, (std::vector<Hold>{{NodeId("b"), "y"}}));
}

TEST(ViewStore, ANodesOwnHoldsAreNotToldToIt) {
  StoreDialogue d;
  d.settle({"a", "b"});
  d.node("b").held = {"x"};
  EXPECT_TRUE(d.sync("b").holds_of_others.empty());
}

TEST(ViewStore, HoldsSentWithAnAdmissionAreIgnoredUntilTheAcknowledgement) {
  StoreDialogue d;
  d.settle({"a"});
  d.node("b").held = {"from an earlier membership"};
  d.sync("b");
  EXPECT_TRUE(d.state->members.at(NodeId("b")).held.empty());
  EXPECT_FALSE(d.state->settled);
  d.sync("b");
  EXPECT_EQ(d.state->members.at(NodeId("b")).held.size(), 1U);
}

TEST(ViewStore, ALateRequestIsRefusedWithoutAnyEffect) {
  StoreDialogue d;
  d.settle({"a", "b"});
  SyncRequest late = d.node("a");
  d.sync("a");
  late.held = {"job"};
  late.node.weight = 7;
  d.pass(10s);
  const PoolState before = *d.state;
  const auto refused = apply_sync(d.state, late, d.now);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::outcome_unknown);
  EXPECT_EQ(*d.state, before);
  late.intent = Intent::leaving;
  EXPECT_FALSE(apply_sync(d.state, late, d.now).has_value());
  EXPECT_EQ(*d.state, before);
}

// ---- the reply

TEST(ViewStore, SaysWhenToLookForTheNextLeaseToRunOut) {
  StoreDialogue d;
  d.settle({"a", "b"});
  EXPECT_FALSE(d.sync("a").look_again_in.has_value()) << "four seconds are further than a heartbeat";
  d.live({"a"}, 3s);
  d.pass(400ms);
  EXPECT_EQ(d.sync("a").look_again_in, 600ms);
}

TEST(ViewStore, SaysWhenToLookForTheEndOfTheBarrier) {
  StoreDialogue d;
  d.now.proven_fresh = false;
  d.sync("a");
  d.live({"a"}, 3s);
  d.pass(500ms);
  const SyncReply reply = d.sync("a");
  EXPECT_EQ(reply.barrier_left, 500ms);
  EXPECT_EQ(reply.look_again_in, 500ms);
}

TEST(ViewStore, ADrainRequestReachesItsNodeAndNobodyElse) {
  StoreDialogue d;
  d.settle({"a", "b"});
  const auto hint = apply_drain_request(*d.state, NodeId("a"));
  ASSERT_TRUE(hint.has_value());
  EXPECT_EQ(*hint, (Hint{Kind::drain, d.state->view.epoch, std::nullopt}));
  EXPECT_TRUE(d.sync("a").drain_requested);
  EXPECT_FALSE(d.sync("b").drain_requested);
  EXPECT_EQ(apply_drain_request(*d.state, NodeId("x")).error().code, ErrorCode::not_found);
}

TEST(ViewStore, AnObserverSeesLeasesAcknowledgementsAndHolds) {
  StoreDialogue d;
  d.settle({"a", "b"});
  d.node("b").held = {"job"};
  d.sync("b");
  d.pass(1s);
  d.sync("a");
  const PoolStatus status = status_of(*d.state);
  ASSERT_EQ(status.members.size(), 2U);
  EXPECT_TRUE(status.settled);
  EXPECT_EQ(status.members[0].lease_left, 4s);
  EXPECT_EQ(status.members[1].lease_left, 3s);
  EXPECT_TRUE(status.members[1].acknowledged);
  EXPECT_EQ(status.members[1].held, std::vector<std::string>{"job"});
}

}  // namespace
}  // namespace nodepool
