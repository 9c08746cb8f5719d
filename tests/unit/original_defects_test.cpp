// go-dispatch, whose users this library is for, has the defects below, read from its source and measured.
// Each has a test here, in tests/e2e/original_defects_test.cpp (those that need a server or processes), or
// had one before:
//
// Eligible after Stop:
//   Pool.StartsSteadyAndStops, PoolTrouble.NothingIsEligibleFromTheCallOfStopOnEvenWhileTheStoreHangs
// Goes on running its jobs when it has lost the store:
//   PoolTrouble.ALostLeaseStopsEverythingAndComesBack,
//   ServerTrouble.AServerThatHangsForLongerThanALeaseCountsAsFailed
// Eligible at the first look after SIGSTOP and SIGCONT:
//   Nodes.KeepTheirPromisesThroughJoinLeaveCrashAndFreeze
// Nobody owns anything after a restart of Redis:
//   ServerTrouble.ARestartWithoutDataInterruptsNobody
// Every change of the membership stops every job of every node:
//   Pool.JobsThatDoNotMoveNeverPauseAndNoJobHasTwoOwners
// A clean leave is none (sorted set):
//   StoreContract.RemovesALeavingNodeAtOnceAndOthersSettleWithoutIt
// The clocks of clients decide who is alive:
//   ViewStoreClock.*
// Service `a` sees the nodes of `a:b`; service names with glob characters:
//   StoreContract.KeepsServicesApartAlsoWhereOneNameBeginsWithAnother,
//   Pool.ServiceNamesThatCouldBreakAKeyAreRefused, Names.TheErrorNamesTheFirstOffendingByte
// A cut reply of the store is taken for a shorter list:
//   RedisSyncReply.OfAnUnexpectedFormIsCorrupt, Node.ANewViewWithoutItsMembersIsNotAdopted
// Start ignores its context, and has no time-out:
//   PoolTrouble.AStartCanBeCancelled, PoolTrouble.AStartOnADeadStoreTimesOutAndSaysWhy
// A start after a failed start is refused; a second start beside a first:
//   PoolTrouble.AStartThatTimedOutMayBeTriedAgain, Pool.ASecondStartIsRefusedAndHarmsNothing
// A decision allocates:
//   Allocation.ADecisionAllocatesNothing
// Loads that every process counts for itself:
//   there are no counted loads; owners follow from the view alone

#include <gtest/gtest.h>

#include <algorithm>

#include "nodepool/pool.hpp"
#include "support/faulty_driver.hpp"
#include "support/node_dialogue.hpp"
#include "support/pools.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::hasty;
using test::kService;
using test::patient;
using test::some_jobs;
using Mode = test::FaultyDriver::Mode;

// Before Start, IsEligible said yes, GetState and Stop crashed.
TEST(OriginalDefects, AnUnstartedPoolSaysNoAndSurvivesEveryCall) {
  NodePool pool(kService, open_memory(), patient("a"));
  EXPECT_FALSE(pool.is_eligible("job"));
  EXPECT_EQ(pool.decide("job").reason, Reason::stopped);
  EXPECT_FALSE(pool.try_claim("job"));
  EXPECT_EQ(pool.state(), NodeState::stopped);
  EXPECT_FALSE(pool.owner("job"));
  EXPECT_TRUE(pool.nodes().empty());
  EXPECT_TRUE(pool.view().stamp.empty());
  EXPECT_TRUE(pool.node_id().empty());
  static_cast<void>(pool.node_name());
  EXPECT_EQ(pool.stats().syncs_ok, 0U);
  EXPECT_EQ(pool.last_view_change(), MonotonicTime{});
  EXPECT_FALSE(pool.wait_until_eligible("job", BootClock::now()));
  pool.stop();
  EXPECT_EQ(pool.state(), NodeState::stopped);
  ASSERT_TRUE(pool.start()) << "a stop before the start was harmless";
  EXPECT_TRUE(pool.is_eligible("job"));
}

// A node whose record had expired was registered anew under an id that it did not know: it never ran anything
// again, and the new id's share of the jobs was nobody's.
TEST(OriginalDefects, ANodeThatWasEvictedComesBackAsItselfAndOwnsItsJobsAgain) {
  const auto memory = open_memory();
  const auto line = std::make_shared<test::FaultyDriver>(memory);
  NodePool lost(kService, line, hasty("lost"));
  NodePool other(kService, memory, hasty("other"));
  ASSERT_TRUE(lost.start());
  ASSERT_TRUE(other.start());
  const NodeId id = lost.node_id();
  line->set(Mode::fail);
  ASSERT_TRUE(eventually([&] { return other.nodes().size() == 1 && other.state() == NodeState::steady; }));
  line->set(Mode::good);
  const std::string job = test::job_where({{{"lost", "other"}, "lost"}});
  // All at one look: on a busy machine a lease this short is lost now and then, and comes back.
  EXPECT_TRUE(eventually([&] { return lost.is_eligible(job) && other.nodes().size() == 2; }));
  EXPECT_EQ(lost.node_id(), id);
  const auto members = other.nodes();
  EXPECT_EQ(std::ranges::count(members, id, &NodeInfo::id), 1);
}

// A failed SCAN was an empty list, and the list was taken for the truth.
TEST(OriginalDefects, AStoreThatFailsNeverShrinksTheView) {
  const auto memory = open_memory();
  const auto line = std::make_shared<test::FaultyDriver>(memory);
  PoolOptions options = patient("a");
  options.heartbeat = 50ms;
  NodePool a(kService, line, options);
  options.name = "b";
  NodePool b(kService, memory, options);
  ASSERT_TRUE(a.start());
  ASSERT_TRUE(b.start());
  ASSERT_TRUE(eventually([&] { return a.nodes().size() == 2 && a.state() == NodeState::steady; }));
  const View before = a.view();
  for (const Mode mode : {Mode::fail, Mode::lose_reply, Mode::hang}) {
    line->set(mode);
    const auto failed = a.stats().syncs_failed;
    ASSERT_TRUE(eventually([&] { return a.stats().syncs_failed >= failed + 3; }));
    EXPECT_EQ(a.view(), before);
    for (const std::string& job : some_jobs(50)) EXPECT_NE(a.is_eligible(job), b.is_eligible(job)) << job;
  }
  line->set(Mode::good);
}

// Remove took away 50 points whatever the number: with 100 or 200 the removed node went on owning keys, and
// nobody ran them.
TEST(OriginalDefects, ARemovedNodeOwnsNothingWhateverTheNumberOfPoints) {
  for (const unsigned points : {1U, 10U, 49U, 50U, 51U, 100U, 200U}) {
    const HashRing five = HashRing::build({{"a"}, {"b"}, {"c"}, {"d"}, {"e"}}, points).value();
    const HashRing four = five.without("c");
    const HashRing fresh = HashRing::build({{"a"}, {"b"}, {"d"}, {"e"}}, points).value();
    EXPECT_EQ(four.point_hashes(), fresh.point_hashes()) << points;
    EXPECT_TRUE(four.arcs_of("c").empty());
    for (const std::string& key : some_jobs(10'000)) {
      ASSERT_NE(four.owner(key)->name, "c") << points << " points, " << key;
      ASSERT_EQ(four.owner(key)->name, fresh.owner(key)->name) << points << " points, " << key;
    }
  }
}

// Point 10 of host-1 and point 0 of host-11 are one: removing one of the two took the point from the other,
// and left keys that belonged to "".
TEST(OriginalDefects, NamesThatEndInDigitsLeaveNoKeyWithoutAnOwner) {
  for (const unsigned points : {10U, 50U}) {
    std::vector<RingNode> hosts;
    for (int number = 0; number < 100; ++number) hosts.push_back({"host-" + std::to_string(number)});
    const HashRing all = HashRing::build(hosts, points).value();
    const auto keys = some_jobs(500);
    for (const RingNode& gone : hosts) {
      const HashRing rest = all.without(gone.name);
      auto others = hosts;
      std::erase(others, gone);
      const HashRing fresh = HashRing::build(others, points).value();
      ASSERT_EQ(rest.point_hashes(), fresh.point_hashes()) << gone.name;
      for (const std::string& key : keys) {
        ASSERT_NE(rest.owner(key)->name, gone.name);
        ASSERT_EQ(rest.owner(key)->name, fresh.owner(key)->name) << gone.name << " " << key;
        if (all.owner(key)->name != gone.name) {
          ASSERT_EQ(rest.owner(key)->name, all.owner(key)->name) << "moved without cause: " << key;
        }
      }
    }
  }
}

// Two processes on one host had one name, and both ran its jobs.
TEST(OriginalDefects, OfTwoNodesWithOneNameExactlyOneRunsEachJob) {
  const auto store = open_memory();
  NodePool first(kService, store, patient("host"));
  NodePool second(kService, store, patient("host"));
  NodePool other(kService, store, patient("other"));
  for (NodePool* pool : {&first, &second, &other}) ASSERT_TRUE(pool->start());
  const auto settled = [](const NodePool& pool) {
    return pool.nodes().size() == 3 && pool.state() == NodeState::steady;
  };
  ASSERT_TRUE(eventually([&] { return settled(first) && settled(second) && settled(other); }));
  for (const std::string& job : some_jobs(100)) {
    EXPECT_EQ(first.is_eligible(job) + second.is_eligible(job) + other.is_eligible(job), 1) << job;
  }
}

// SCAN may give a key twice. The second time the list was shorter, one copy was removed, and with it all
// points of a node that was alive. Our stores cannot give a member twice; should one do so all the same, it
// takes nothing from anybody.
TEST(OriginalDefects, AMemberThatIsListedTwiceTakesNothingAway) {
  test::NodeDialogue d;
  auto doubled = test::NodeDialogue::unsettled(1, {"a", "b"});
  doubled.members->insert(doubled.members->begin(), doubled.members->front());
  doubled.members->push_back(doubled.members->back());
  const std::string ours = test::job_where({{{"a", "b"}, "a"}});
  const std::string theirs = test::job_where({{{"a", "b"}, "b"}});
  const auto expect_both_own_theirs = [&] {
    EXPECT_EQ(d.why(ours), Reason::owner);
    EXPECT_EQ(d.why(theirs), Reason::not_owner);
    EXPECT_EQ(d.node.standing()->view->owner(theirs)->name, NodeName("b"));
  };
  d.exchange(doubled);
  d.exchange(test::NodeDialogue::settled(1));
  expect_both_own_theirs();
  d.pass(1s);
  d.exchange(test::NodeDialogue::unsettled(2, {"a", "b"}));
  d.exchange(test::NodeDialogue::settled(2));
  expect_both_own_theirs();
}

}  // namespace
}  // namespace nodepool
