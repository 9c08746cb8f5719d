// How a node goes: drains, gives claims time, says good-bye, and is gone in bounded time whatever the store
// does.

#include <gtest/gtest.h>

#include "core/node.hpp"
#include "support/node_dialogue.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::NodeDialogue;
using Kind = NodeEvent::Kind;
using Kinds = std::vector<Kind>;

TEST(NodeDrain, WithoutClaimsItSaysGoodByeAtOnce) {
  NodeDialogue d;
  d.join(1, {"a"});
  d.node.drain(d.now);
  EXPECT_EQ(d.state(), NodeState::draining);
  EXPECT_EQ(d.why("job"), Reason::draining);
  EXPECT_EQ(d.exchange({}).intent, Intent::leaving);
  EXPECT_TRUE(d.node.finished());
  EXPECT_EQ(d.state(), NodeState::stopped);
  EXPECT_FALSE(d.ask().has_value());
}

TEST(NodeDrain, WithClaimsItRenewsAndWaitsForThem) {
  NodeDialogue d;
  d.join(1, {"a"});
  const auto serial = d.ledger.add("job");
  d.node.drain(d.now);
  EXPECT_EQ(d.happened(), Kinds{Kind::draining});
  SyncReply without = d.unsettled(2, {"a"});
  without.members->front().draining = true;
  const SyncRequest first = d.exchange(without);
  EXPECT_EQ(first.intent, Intent::draining);
  EXPECT_TRUE(first.node.draining);
  EXPECT_EQ(d.exchange(d.settled(2)).held, std::vector<std::string>{"job"});
  EXPECT_EQ(d.why("job"), Reason::draining) << "a settled reply grants nothing to who drains";
  d.pass(1s);
  EXPECT_EQ(d.exchange(d.settled(2)).intent, Intent::draining);
  d.ledger.remove("job", *serial);
  EXPECT_EQ(d.exchange({}).intent, Intent::leaving);
  EXPECT_TRUE(d.node.finished());
}

/// Answers every request of a draining node until `until`.
void keep_alive(NodeDialogue& d, MonotonicTime until) {
  while (d.now < until && !d.node.finished()) {
    if (d.ask()) d.answer(d.settled(1));
    if (d.node.finished()) return;
    d.now = std::min(until, std::max(d.now + 1ms, d.node.next_wakeup()));
  }
}

TEST(NodeDrain, AfterTheGraceClaimsAreToldToStopAndTheLeaseIsNotRenewed) {
  NodeDialogue d;
  d.join(1, {"a"});
  static_cast<void>(d.ledger.add("job"));
  d.node.drain(d.now);
  const MonotonicTime grace_end = d.now + 10s;
  keep_alive(d, grace_end);
  static_cast<void>(d.happened());
  d.node.advance(d.now, d.ledger);
  EXPECT_EQ(d.happened(), Kinds{Kind::grace_over});
  EXPECT_FALSE(d.ask().has_value());
  d.pass(999ms);
  EXPECT_FALSE(d.ask().has_value());
  EXPECT_FALSE(d.node.finished());
}

TEST(NodeDrain, AClaimThatStopsAfterTheGraceIsFollowedByTheGoodBye) {
  NodeDialogue d;
  d.join(1, {"a"});
  const auto serial = d.ledger.add("job");
  d.node.drain(d.now);
  keep_alive(d, d.now + 10s);
  d.node.advance(d.now, d.ledger);
  d.ledger.remove("job", *serial);
  d.node.on_release();
  EXPECT_EQ(d.exchange({}).intent, Intent::leaving);
  EXPECT_TRUE(d.node.finished());
}

TEST(NodeDrain, AClaimThatNeverStopsDelaysTheEndByOneStoreTimeoutOnly) {
  NodeDialogue d(NodeSettings{.config = {.lease = 1h}});
  d.join(1, {"a"});
  static_cast<void>(d.ledger.add("job"));
  d.node.leave(d.now);
  const MonotonicTime begun = d.now;
  for (int i = 0; i < 100 && !d.node.finished(); ++i) {
    EXPECT_FALSE(d.ask().has_value()) << "no good-bye while the job may be running: the store keeps it back";
    if (!d.node.finished()) d.now = std::max(d.now, d.node.next_wakeup());
  }
  EXPECT_TRUE(d.node.finished());
  EXPECT_LE(d.now, begun + 1s);
}

TEST(NodeDrain, LeavingIsDoneInBoundedTimeWhenTheStoreFails) {
  NodeDialogue d;
  d.join(1, {"a"});
  d.node.leave(d.now);
  const MonotonicTime begun = d.now;
  int tries = 0;
  while (!d.node.finished() && tries < 1000) {
    if (d.ask()) {
      ++tries;
      d.fail();
    } else if (!d.node.finished()) {
      d.now = std::max(d.now, d.node.next_wakeup());
    }
  }
  EXPECT_TRUE(d.node.finished());
  EXPECT_LE(d.now, begun + 1s) << "one store time-out";
  EXPECT_GT(tries, 2) << "it tries more than once";
}

TEST(NodeDrain, TheGoodByesDeadlineIsTheLeavesOwn) {
  NodeDialogue d;
  d.join(1, {"a"});
  d.node.leave(d.now);
  const MonotonicTime end = d.now + 1s;
  ASSERT_TRUE(d.ask().has_value());
  d.pass(700ms);
  d.fail();
  d.pass(20ms);
  ASSERT_TRUE(d.ask().has_value());
  EXPECT_EQ(d.node.call_deadline(d.now), end) << "a late try must not add a time-out of its own";
}

TEST(NodeDrain, TheReplyToAnEarlierRequestIsNotTakenForTheGoodByes) {
  NodeDialogue d;
  d.join(1, {"a"});
  d.pass(1s);
  ASSERT_TRUE(d.ask().has_value());
  d.node.leave(d.now);
  d.node.advance(d.now, d.ledger);
  d.answer(d.settled(1));
  EXPECT_FALSE(d.node.finished()) << "the store still has this node";
  EXPECT_EQ(d.exchange({}).intent, Intent::leaving);
  EXPECT_TRUE(d.node.finished());
}

TEST(NodeDrain, AReplyAfterTheEndGivesNothing) {
  NodeDialogue d(NodeSettings{.store_timeout = 100ms});
  d.join(1, {"a"});
  static_cast<void>(d.ledger.add("job"));
  d.pass(1s);
  ASSERT_TRUE(d.ask().has_value());
  d.node.leave(d.now);
  d.node.advance(d.now, d.ledger);
  d.pass(200ms);
  d.node.advance(d.now, d.ledger);
  ASSERT_TRUE(d.node.finished());
  d.answer(d.settled(1));
  EXPECT_EQ(d.why("job"), Reason::stopped);
  EXPECT_EQ(d.node.standing()->lease, nullptr);
}

TEST(NodeDrain, AStoreThatAsksForItIsObeyed) {
  NodeDialogue d;
  d.join(1, {"a"});
  d.node.on_hint({Hint::Kind::drain, {1}, {}}, d.now);
  SyncReply reply = d.settled(1);
  reply.drain_requested = true;
  d.exchange(reply);
  EXPECT_EQ(d.state(), NodeState::draining);
  EXPECT_EQ(d.exchange({}).intent, Intent::leaving);
}

TEST(NodeDrain, ANodeThatNeverJoinedLeavesAllTheSame) {
  NodeDialogue d;
  d.node.leave(d.now);
  EXPECT_EQ(d.exchange({}).intent, Intent::leaving);
  EXPECT_TRUE(d.node.finished());
}

TEST(NodeDrain, ALeaseLostOnTheWayIsToldAndTheDrainGoesOn) {
  NodeDialogue d;
  d.join(1, {"a"});
  const auto serial = d.ledger.add("job");
  d.node.drain(d.now);
  d.pass(3s);
  ASSERT_TRUE(d.ask().has_value());
  EXPECT_EQ(d.happened(), (Kinds{Kind::draining, Kind::lease_lost}));
  EXPECT_EQ(d.state(), NodeState::draining);
  d.fail();
  d.ledger.remove("job", *serial);
  EXPECT_EQ(d.exchange({}).intent, Intent::leaving);
}

}  // namespace
}  // namespace nodepool
