// The node's side of the protocol as dialogues with a store that the test plays.

#include "core/node.hpp"

#include <gtest/gtest.h>

#include "support/node_dialogue.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::job_where;
using test::NodeDialogue;
using Kind = NodeEvent::Kind;
using Kinds = std::vector<Kind>;

TEST(Node, JoinsAcknowledgesAtOnceAndIsSteady) {
  NodeDialogue d;
  const auto first = d.ask();
  ASSERT_TRUE(first.has_value());
  EXPECT_TRUE(first->known.empty());
  EXPECT_EQ(first->intent, Intent::active);
  EXPECT_EQ(d.state(), NodeState::joining);
  d.answer(d.unsettled(7, {"a"}));
  EXPECT_EQ(d.why("job"), Reason::joining);

  const auto acknowledgement = d.ask();
  ASSERT_TRUE(acknowledgement.has_value()) << "sent at once";
  EXPECT_EQ(acknowledgement->known, d.stamp(7));
  EXPECT_GT(acknowledgement->sequence, first->sequence);
  EXPECT_NE(acknowledgement->nonce, first->nonce);
  d.answer(d.settled(7));
  EXPECT_EQ(d.state(), NodeState::steady);
  EXPECT_EQ(d.why("job"), Reason::owner);
  EXPECT_EQ(d.decides("job").token, FencingToken{7});
  EXPECT_EQ(d.decides("job").valid_until, d.now + d.kLeaseGiven);
}

TEST(Node, SendsOneSyncAtATime) {
  NodeDialogue d;
  ASSERT_TRUE(d.ask().has_value());
  d.node.on_hint({}, d.now);
  d.pass(10s);
  EXPECT_FALSE(d.ask().has_value());
}

TEST(Node, AJobOfItsOwnBeforeAndAfterIsGrantedWithoutAGap) {
  NodeDialogue d;
  d.join(1, {"a", "b"});
  const std::string stays = job_where({{{"a", "b"}, "a"}, {{"a", "b", "c"}, "a"}});
  const std::string goes = job_where({{{"a", "b"}, "a"}, {{"a", "b", "c"}, "c"}});
  d.pass(1s);
  d.exchange(d.unsettled(2, {"a", "b", "c"}));
  EXPECT_EQ(d.state(), NodeState::upgrading);
  EXPECT_EQ(d.why(stays), Reason::owner);
  EXPECT_EQ(d.why(goes), Reason::not_owner);
  d.exchange(d.settled(2));
  EXPECT_EQ(d.why(stays), Reason::owner);
  EXPECT_EQ(d.why(goes), Reason::not_owner);
}

TEST(Node, AJobThatComesWaitsForTheViewToSettle) {
  NodeDialogue d;
  d.join(1, {"a", "b"});
  const std::string comes = job_where({{{"a", "b"}, "b"}, {{"a", "c"}, "a"}});
  EXPECT_EQ(d.why(comes), Reason::not_owner);
  d.pass(1s);
  d.exchange(d.unsettled(2, {"a", "c"}));
  EXPECT_EQ(d.why(comes), Reason::settling);
  d.exchange(d.pending(2));
  EXPECT_EQ(d.why(comes), Reason::settling);
  d.pass(1s);
  d.exchange(d.settled(2));
  EXPECT_EQ(d.why(comes), Reason::owner);
}

TEST(Node, OverSeveralUnsettledViewsOnlyWhatAllOfThemGiveItIsGranted) {
  NodeDialogue d;
  d.join(1, {"a", "b"});
  // Away and back again: another node may have run it in between.
  const std::string returns = job_where({{{"a", "b"}, "a"}, {{"a", "b", "c"}, "c"}});
  d.pass(1s);
  d.exchange(d.unsettled(2, {"a", "b", "c"}));
  d.exchange(d.unsettled(3, {"a", "b"}));
  EXPECT_EQ(d.why(returns), Reason::settling);
  d.exchange(d.settled(3));
  EXPECT_EQ(d.why(returns), Reason::owner);
}

TEST(Node, AJobHeldByAnotherIsNotGrantedUntilItsRelease) {
  NodeDialogue d;
  d.join(1, {"a", "b"});
  const std::string comes = job_where({{{"a", "b"}, "b"}, {{"a", "c"}, "a"}});
  d.pass(1s);
  d.exchange(d.unsettled(2, {"a", "c"}));
  d.exchange(d.settled(2, {{NodeId("id-b"), comes}, {NodeId("id-c"), comes}}));
  EXPECT_EQ(d.why(comes), Reason::held_by_other);
  d.node.on_hint({Hint::Kind::release, {2}, {}}, d.now);
  d.exchange(d.settled(2, {{NodeId("id-c"), comes}}));
  EXPECT_EQ(d.why(comes), Reason::held_by_other);
  d.node.on_hint({Hint::Kind::release, {2}, {}}, d.now);
  d.exchange(d.settled(2));
  EXPECT_EQ(d.why(comes), Reason::owner);
}

TEST(Node, TellsItsHoldsWithTheAcknowledgement) {
  NodeDialogue d;
  d.join(1, {"a", "b"});
  const std::string stays = job_where({{{"a", "b"}, "a"}, {{"a", "b", "c"}, "a"}});
  const std::string goes = job_where({{{"a", "b"}, "a"}, {{"a", "b", "c"}, "c"}});
  static_cast<void>(d.ledger.add(stays));
  static_cast<void>(d.ledger.add(goes));
  d.pass(1s);
  EXPECT_TRUE(d.exchange(d.unsettled(2, {"a", "b", "c"})).held.empty());
  EXPECT_EQ(d.exchange(d.pending(2)).held, std::vector<std::string>{goes});
}

// ---- the lease

TEST(Node, FencesItselfWhenTheRenewalIsLate) {
  NodeDialogue d;
  d.join(1, {"a"});
  const auto granted = d.node.standing();
  d.pass(1s);
  ASSERT_TRUE(d.ask().has_value());  // never answered
  d.pass(d.kLeaseGiven - 1s - 1ns);
  EXPECT_EQ(d.why("job"), Reason::owner);
  d.pass(1ns);
  EXPECT_EQ(d.why("job"), Reason::lease_lost) << "the clock decides, before the machine has noticed";
  EXPECT_EQ(d.node.next_wakeup(), d.now);
  d.node.advance(d.now, d.ledger);
  EXPECT_EQ(d.state(), NodeState::suspended);
  EXPECT_EQ(d.happened(), Kinds{Kind::lease_lost});
  EXPECT_EQ(d.why("job"), Reason::lease_lost);
  EXPECT_EQ(decide(*granted, "job", d.now - 1s).reason, Reason::lease_lost) << "an old standing is void";
}

TEST(Node, TheLeaseIsCountedFromTheRequestNotFromTheReply) {
  NodeDialogue d;
  d.join(1, {"a"});
  d.pass(1s);
  ASSERT_TRUE(d.ask().has_value());
  const MonotonicTime sent = d.now;
  d.pass(900ms);
  d.answer(d.settled(1));
  EXPECT_EQ(d.decides("job").valid_until, sent + d.kLeaseGiven);
}

TEST(Node, AReplyAfterTheLeaseItWouldGiveGivesNothing) {
  NodeDialogue d;
  d.join(1, {"a"});
  d.pass(1s);
  ASSERT_TRUE(d.ask().has_value());
  d.pass(d.kLeaseGiven);
  d.answer(d.settled(1));
  EXPECT_EQ(d.happened(), (Kinds{Kind::lease_lost, Kind::reply_too_late}));
  EXPECT_EQ(d.why("job"), Reason::lease_lost);
  EXPECT_EQ(d.state(), NodeState::suspended);
}

TEST(Node, AReplyAfterTheOldLeaseButWithinItsOwnStartsANewTerm) {
  NodeDialogue d;
  d.join(1, {"a"});
  const auto before = d.node.standing();
  d.pass(1s);
  ASSERT_TRUE(d.ask().has_value());
  d.pass(d.kLeaseGiven - 1s);  // the lease of the join is over; the request's own is not
  d.answer(d.settled(1));
  EXPECT_EQ(d.why("job"), Reason::owner);
  EXPECT_EQ(decide(*before, "job", d.now).reason, Reason::lease_lost)
      << "who still looks at the old standing must not take the new lease for the old";
}

TEST(Node, ComesBackAfterALostLease) {
  NodeDialogue d;
  d.join(1, {"a", "b"});
  const std::string job = job_where({{{"a", "b"}, "a"}});
  d.pass(5s);
  EXPECT_FALSE(d.exchange(d.unsettled(3, {"a", "b"})).known.empty())
      << "its view tells the store its history";
  EXPECT_EQ(d.state(), NodeState::upgrading);
  EXPECT_EQ(d.why(job), Reason::settling);
  d.exchange(d.settled(3));
  EXPECT_EQ(d.state(), NodeState::steady);
  EXPECT_EQ(d.why(job), Reason::owner);
}

TEST(Node, ASettledReplyForTheSameViewGivesBackWhatALostLeaseTook) {
  NodeDialogue d;
  d.join(1, {"a"});
  d.pass(3s);
  d.exchange(d.settled(1));
  EXPECT_EQ(d.why("job"), Reason::owner);
}

TEST(Node, AnUnsettledReplyAfterALostLeaseGrantsNothing) {
  NodeDialogue d;
  d.join(1, {"a"});
  d.pass(3s);
  d.exchange(d.pending(1));
  EXPECT_EQ(d.why("job"), Reason::settling);
}

// ---- when it calls

TEST(Node, HeartbeatsComeBetweenNineTenthsAndAWholeHeartbeat) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    NodeDialogue d(NodeSettings{.jitter_seed = seed});
    d.join(1, {"a"});
    const auto wait = d.node.next_wakeup() - d.now;
    EXPECT_GE(wait, 900ms);
    EXPECT_LE(wait, 1000ms);
    d.pass(wait - 1ns);
    EXPECT_FALSE(d.ask().has_value());
    d.pass(1ns);
    EXPECT_TRUE(d.ask().has_value());
  }
}

TEST(Node, RetriesBackOffFromTwentyMillisecondsToAHeartbeat) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    NodeDialogue d(NodeSettings{.jitter_seed = seed});
    auto longest = 20ms;
    for (int failures = 0; failures < 40; ++failures) {
      ASSERT_TRUE(d.ask().has_value());
      d.fail();
      const auto wait = d.node.next_wakeup() - d.now;
      EXPECT_GE(wait, longest / 2);
      EXPECT_LE(wait, longest);
      EXPECT_FALSE(d.ask().has_value());
      d.pass(wait);
      longest = std::min(longest * 2, 1000ms);
    }
  }
}

TEST(Node, ASuccessEndsTheBackOff) {
  NodeDialogue d;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(d.ask().has_value());
    d.fail();
    d.pass(1s);
  }
  d.join(1, {"a"});
  d.pass(1s);
  ASSERT_TRUE(d.ask().has_value());
  d.fail();
  EXPECT_LE(d.node.next_wakeup() - d.now, 20ms);
}

TEST(Node, LooksAgainWhenTheStoreSaysSo) {
  NodeDialogue d;
  d.join(1, {"a", "b"});
  d.pass(1s);
  SyncReply reply = d.settled(1);
  reply.look_again_in = 300ms;
  d.exchange(reply);
  EXPECT_GE(d.node.next_wakeup(), d.now + 301ms) << "a little after, not a little before";
  EXPECT_LE(d.node.next_wakeup(), d.now + 301ms + 100us) << "two members take turns";
}

TEST(Node, AHintThatIsWorthSomethingCausesASync) {
  for (const Hint& hint :
       {Hint{Hint::Kind::view, {2}, {}}, Hint{Hint::Kind::view, {0}, {}}, Hint{Hint::Kind::settled, {2}, {}},
        Hint{Hint::Kind::drain, {1}, {}}, Hint{Hint::Kind::unknown, {0}, {}}}) {
    NodeDialogue d;
    d.join(1, {"a"});
    d.node.on_hint(hint, d.now);
    EXPECT_TRUE(d.ask().has_value()) << static_cast<int>(hint.kind);
  }
}

TEST(Node, AHintThatIsWorthNothingCausesNone) {
  for (const Hint& hint :
       {Hint{Hint::Kind::view, {5}, {}}, Hint{Hint::Kind::view, {4}, {}}, Hint{Hint::Kind::settled, {5}, {}},
        Hint{Hint::Kind::settled, {4}, {}}, Hint{Hint::Kind::release, {5}, {}}}) {
    NodeDialogue d;
    d.join(5, {"a"});
    d.node.on_hint(hint, d.now);
    EXPECT_FALSE(d.ask().has_value()) << static_cast<int>(hint.kind);
  }
}

TEST(Node, WhileSettlingOnlyAHintOfThisViewOrALaterOneHelps) {
  NodeDialogue d;
  d.exchange(d.unsettled(5, {"a", "b"}));
  d.exchange(d.pending(5));
  d.node.on_hint({Hint::Kind::settled, {4}, {}}, d.now);
  EXPECT_FALSE(d.ask().has_value());
  d.node.on_hint({Hint::Kind::settled, {5}, {}}, d.now);
  EXPECT_TRUE(d.ask().has_value());
}

// ---- replies that cannot be

TEST(Node, AViewWithoutThisNodeIsNotAdopted) {
  NodeDialogue d;
  d.join(1, {"a"});
  d.pass(1s);
  d.exchange(d.unsettled(2, {"b"}));
  EXPECT_EQ(d.happened(), Kinds{Kind::sync_failed});
  EXPECT_EQ(d.node.standing()->view->stamp, d.stamp(1));
  EXPECT_EQ(d.decides("job").valid_until, test::at(100s) + d.kLeaseGiven) << "nor does it renew anything";
  EXPECT_FALSE(d.ask().has_value()) << "and it is no reason to ask again at once";
}

TEST(Node, ANewViewWithoutItsMembersIsNotAdopted) {
  NodeDialogue d;
  d.join(1, {"a"});
  d.pass(1s);
  d.exchange(d.settled(2));
  EXPECT_EQ(d.happened(), Kinds{Kind::sync_failed});
  EXPECT_EQ(d.node.standing()->view->stamp, d.stamp(1));
}

TEST(Node, AMemberThatFitsOnNoRingIsAFailureNotAnException) {
  NodeDialogue d;
  SyncReply reply = d.unsettled(1, {"a", "b"});
  reply.members->back().weight = 1'000'000;
  d.exchange(reply);
  EXPECT_EQ(d.happened(), Kinds{Kind::configuration_refused});
  EXPECT_EQ(d.state(), NodeState::joining);
}

TEST(Node, SaysWhichFailuresCannotBeMendedByTryingAgain) {
  for (const auto& [code, kind] : {std::pair(ErrorCode::config_mismatch, Kind::configuration_refused),
                                   std::pair(ErrorCode::permission_denied, Kind::configuration_refused),
                                   std::pair(ErrorCode::store_corrupt, Kind::configuration_refused),
                                   std::pair(ErrorCode::unavailable, Kind::sync_failed),
                                   std::pair(ErrorCode::outcome_unknown, Kind::sync_failed)}) {
    NodeDialogue d;
    ASSERT_TRUE(d.ask().has_value());
    d.fail(code);
    EXPECT_EQ(d.happened(), Kinds{kind});
    EXPECT_LT(d.node.next_wakeup(), d.now + 1s) << "it tries again all the same";
  }
}

TEST(Node, ASharedNameIsToldOnce) {
  NodeDialogue d;
  SyncReply reply = d.unsettled(1, {"a"});
  reply.members->insert(reply.members->begin(), {.id = NodeId("id-0"), .name = NodeName("a")});
  d.exchange(reply);
  EXPECT_EQ(d.happened(), (Kinds{Kind::name_shared, Kind::view_adopted, Kind::lease_gained}));
  d.exchange(d.settled(1));
  EXPECT_EQ(d.why("job"), Reason::not_owner) << "the smaller id has the place on the ring";
  reply.view = d.stamp(2);
  d.pass(1s);
  d.exchange(reply);
  EXPECT_EQ(d.happened(), Kinds{Kind::view_adopted});
}

TEST(Node, TellsHowLongTheBarrierLasts) {
  NodeDialogue d;
  SyncReply reply = d.unsettled(1, {"a"});
  reply.barrier_left = 4s;
  d.exchange(reply);
  for (const NodeEvent& event : d.node.take_events()) {
    if (event.kind == Kind::behind_barrier) {
      EXPECT_EQ(event.wait, 4s);
      return;
    }
  }
  FAIL() << "no event";
}

}  // namespace
}  // namespace nodepool
