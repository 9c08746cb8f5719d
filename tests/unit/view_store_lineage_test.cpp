// Rules R3 and R4 (docs/protocol.md): what the store does when it may have lost writes, and the
// configuration that goes with the view.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "nodepool/view_store.hpp"
#include "support/store_dialogue.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::StoreDialogue;

/// Lets the named nodes live on until the view settles; returns how long that took.
std::chrono::seconds time_to_settle(StoreDialogue& d, const std::vector<std::string>& names) {
  for (auto waited = 0s; waited < 20s; waited += 1s) {
    if (d.state->settled) return waited;
    d.live(names, 1s);
  }
  return 20s;
}

TEST(ViewStoreLineage, AFreshStoreWithoutProofWaitsForOneLease) {
  StoreDialogue d;
  d.now.proven_fresh = false;
  const SyncReply reply = d.sync("a");
  EXPECT_EQ(reply.barrier_left, 4s);
  EXPECT_EQ(time_to_settle(d, {"a"}), 4s);
  EXPECT_EQ(d.sync("a").barrier_left, 0s);
}

TEST(ViewStoreLineage, AProofIsWorthNothingBesideANodeThatKnowsAView) {
  StoreDialogue d;
  d.node("a").known = {"old lineage", {77}, "old view"};
  EXPECT_EQ(d.sync("a").barrier_left, 4s);
}

TEST(ViewStoreLineage, AFreshStoreStartsItsEpochAtUnixMilliseconds) {
  StoreDialogue d;
  d.now.unix_time = 1'700'000'000'123ms;
  EXPECT_EQ(d.sync("a").view.epoch.value, 1'700'000'000'124U);
}

TEST(ViewStoreLineage, AFreshStoreTakesItsLineageFromTheRequest) {
  StoreDialogue d;
  d.sync("a");
  EXPECT_EQ(d.state->view.lineage, "a.1");
  EXPECT_EQ(d.state->view.view_id, "a.1");
  d.sync("b");
  EXPECT_EQ(d.state->view.lineage, "a.1");
  EXPECT_EQ(d.state->view.view_id, "b.1");
}

TEST(ViewStoreLineage, AnotherRunIdSetsTheBarrierAndANewView) {
  StoreDialogue d;
  d.settle({"a", "b"});
  const ViewStamp before = d.state->view;
  d.now.run_id = "run-2";
  const SyncReply reply = d.sync("a");
  EXPECT_EQ(reply.barrier_left, 4s);
  EXPECT_EQ(reply.view.epoch.value, before.epoch.value + 1);
  EXPECT_EQ(reply.view.lineage, before.lineage);
  EXPECT_EQ(time_to_settle(d, {"a", "b"}), 4s);
}

TEST(ViewStoreLineage, TheNewRunIdIsNoticedOnce) {
  StoreDialogue d;
  d.settle({"a", "b"});
  d.now.run_id = "run-2";
  d.sync("a");
  d.pass(1s);
  EXPECT_EQ(d.sync("b").barrier_left, 3s) << "b must not start the barrier again";
}

/// What a node may know that the store does not.
struct Foreign {
  const char* what;
  std::function<ViewStamp(ViewStamp)> change;
};

class ViewStoreForeignView : public testing::TestWithParam<Foreign> {};

TEST_P(ViewStoreForeignView, SetsTheBarrierAndAnEpochAboveBoth) {
  StoreDialogue d;
  d.settle({"a", "b"});
  const ViewStamp before = d.state->view;
  d.node("a").known = GetParam().change(before);
  const Epoch known = d.node("a").known.epoch;
  const SyncReply reply = d.sync("a");
  EXPECT_EQ(reply.barrier_left, 4s);
  EXPECT_EQ(reply.view.epoch.value, std::max(before.epoch, known).value + 1);
  EXPECT_FALSE(reply.settled);
  EXPECT_EQ(time_to_settle(d, {"a", "b"}), 4s);
}

INSTANTIATE_TEST_SUITE_P(Each, ViewStoreForeignView,
                         testing::Values(Foreign{"Lineage",
                                                 [](ViewStamp view) {
                                                   view.lineage = "another";
                                                   return view;
                                                 }},
                                         Foreign{"GreaterEpoch",
                                                 [](ViewStamp view) {
                                                   view.epoch.value += 100;
                                                   return view;
                                                 }},
                                         Foreign{"SameEpochWithAnotherId",
                                                 [](ViewStamp view) {
                                                   view.view_id = "another";
                                                   return view;
                                                 }}),
                         [](const auto& instance) { return instance.param.what; });

TEST(ViewStoreLineage, AnOlderViewOfTheSameLineageIsNoAlarm) {
  StoreDialogue d;
  d.settle({"a", "b"});
  const ViewStamp old = d.node("a").known;
  d.sync("c");
  d.node("a").known = old;
  EXPECT_EQ(d.sync("a").barrier_left, 0s);
}

TEST(ViewStoreLineage, TheBarrierIsKeptOverNewViews) {
  StoreDialogue d;
  d.settle({"a"});
  d.now.run_id = "run-2";
  d.sync("a");
  d.live({"a"}, 2s);
  EXPECT_EQ(d.sync("b").barrier_left, 2s);
  d.live({"a", "b"}, 1s);
  d.leave("b");
  EXPECT_EQ(d.state->barrier_until - d.state->clock, 1s);
  d.sync("a");
  EXPECT_FALSE(d.sync("a").settled);
  d.live({"a"}, 1s);
  EXPECT_TRUE(d.state->settled);
}

TEST(ViewStoreLineage, ASecondFailoverMakesTheBarrierLonger) {
  StoreDialogue d;
  d.settle({"a"});
  d.now.run_id = "run-2";
  d.sync("a");
  d.live({"a"}, 2s);
  d.now.run_id = "run-3";
  EXPECT_EQ(d.sync("a").barrier_left, 4s);
}

TEST(ViewStoreLineage, AStaleReplicaCannotSettleBesideALeaseFromBefore) {
  StoreDialogue d;
  d.settle({"a"});
  const PoolState replica = *d.state;
  d.settle({"a", "b"});  // b joined, but the replica has not heard of it
  d.state = replica;
  d.now.run_id = "run-2";
  d.sync("a");
  EXPECT_FALSE(d.sync("a").settled) << "b may still act by the lost view";
  EXPECT_FALSE(d.has("b"));
  const Epoch lost = d.node("b").known.epoch;
  EXPECT_GT(d.sync("b").view.epoch, lost);
  EXPECT_EQ(time_to_settle(d, {"a", "b"}), 4s);
}

// ---- the pool's configuration

TEST(ViewStoreConfig, ANodeWithAnotherConfigurationIsRefusedAndBothAreShown) {
  StoreDialogue d;
  d.settle({"a"});
  d.node("b").config.points = 51;
  const PoolState before = *d.state;
  const auto refused = d.try_sync("b");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::config_mismatch);
  EXPECT_NE(refused.error().message.find("points=50"), std::string::npos);
  EXPECT_NE(refused.error().message.find("points=51"), std::string::npos);
  EXPECT_EQ(*d.state, before);
}

TEST(ViewStoreConfig, ItChangesWhenTheLastMemberHasLeft) {
  StoreDialogue d;
  d.settle({"a"});
  const Epoch before = d.state->view.epoch;
  d.leave("a");
  d.node("b").config.lease = 8s;
  EXPECT_GT(d.sync("b").view.epoch, before);
  EXPECT_EQ(d.state->config.lease, 8s);
  EXPECT_TRUE(d.sync("b").settled);
}

TEST(ViewStoreConfig, ItChangesWhenTheLastLeaseIsOverByThisVerySync) {
  StoreDialogue d;
  d.settle({"a"});
  d.state->members.at(NodeId("a")).lease_until = d.state->clock + 1s;
  d.node("b").config.points = 60;
  EXPECT_FALSE(d.try_sync("b").has_value());
  d.pass(1s);
  ASSERT_TRUE(d.try_sync("b").has_value());
  EXPECT_FALSE(d.has("a"));
  EXPECT_EQ(d.state->config.points, 60U);
}

TEST(ViewStoreConfig, TheBarrierOfAChangeIsTheLongerOfTheTwoLeases) {
  StoreDialogue d;
  d.node("a").config.lease = 9s;
  d.settle({"a"});
  d.leave("a");
  d.now.run_id = "run-2";
  EXPECT_EQ(d.sync("b").barrier_left, 9s) << "nodes of the old configuration hold leases of nine seconds";
}

}  // namespace
}  // namespace nodepool
