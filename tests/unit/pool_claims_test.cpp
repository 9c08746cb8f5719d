// Claims on real pools: the hand-over, the drain, the lost lease, and waiting for a job.

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "nodepool/pool.hpp"
#include "support/faulty_driver.hpp"
#include "support/node_dialogue.hpp"
#include "support/pools.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::FaultyDriver;
using test::hasty;
using test::job_where;
using test::kService;
using test::patient;

/// A job of "a" that goes to "b" as soon as it joins.
const std::string kMoves = job_where({{{"a"}, "a"}, {{"a", "b"}, "b"}});

TEST(PoolClaims, OneClaimOfAJobAtATime) {
  NodePool pool(kService, open_memory(), patient("a"));
  ASSERT_TRUE(pool.start().has_value());
  auto claim = pool.try_claim("job");
  ASSERT_TRUE(claim.has_value());
  EXPECT_EQ(claim->job(), "job");
  EXPECT_EQ(claim->token(), pool.decide("job").token);
  EXPECT_TRUE(claim->valid());
  Decision why;
  EXPECT_FALSE(pool.try_claim("job", &why).has_value());
  EXPECT_EQ(why.reason, Reason::already_claimed);
  EXPECT_TRUE(pool.is_eligible("job")) << "eligibility does not ask for claims";
  claim->release();
  EXPECT_FALSE(claim->valid());
  EXPECT_TRUE(pool.try_claim("job", &why).has_value());
  EXPECT_EQ(why.reason, Reason::owner);
  EXPECT_EQ(pool.stats().claims_made, 2U);
}

TEST(PoolClaims, NamesThatCannotBeClaimedAreRefused) {
  NodePool pool(kService, open_memory(), patient("a"));
  ASSERT_TRUE(pool.start().has_value());
  for (const auto& bad : {std::string(), std::string("a\n"), std::string(513, 'x'), std::string("\xff")}) {
    Decision why;
    EXPECT_FALSE(pool.try_claim(bad, &why).has_value());
    EXPECT_EQ(why.reason, Reason::invalid_job);
  }
}

TEST(PoolClaims, WithoutAStartThereAreNone) {
  NodePool pool(kService, open_memory(), patient("a"));
  Decision why;
  EXPECT_FALSE(pool.try_claim("job", &why).has_value());
  EXPECT_EQ(why.reason, Reason::stopped);
}

TEST(PoolClaims, AClaimHoldsUpTheNewOwnerUntilItIsReleased) {
  const auto store = open_memory();
  NodePool a(kService, store, patient("a"));
  NodePool b(kService, store, patient("b"));
  ASSERT_TRUE(a.start().has_value());
  auto claim = a.try_claim(kMoves);
  ASSERT_TRUE(claim.has_value());
  ASSERT_TRUE(b.start().has_value());
  ASSERT_TRUE(eventually([&] { return a.state() == NodeState::steady && a.nodes().size() == 2; }));
  EXPECT_TRUE(eventually([&] { return claim->hand_over_token().stop_requested(); }));
  EXPECT_FALSE(claim->stop_token().stop_requested()) << "it is asked, not told";
  EXPECT_TRUE(claim->valid());
  EXPECT_EQ(a.decide(kMoves).reason, Reason::not_owner);
  EXPECT_EQ(b.decide(kMoves).reason, Reason::held_by_other);
  Decision why;
  EXPECT_FALSE(b.try_claim(kMoves, &why).has_value());
  EXPECT_EQ(why.reason, Reason::held_by_other);

  const FencingToken old_token = claim->token();
  const MonotonicTime released = BootClock::now();
  claim.reset();
  ASSERT_TRUE(b.wait_until_eligible(kMoves, released + 30s).has_value());
  EXPECT_LT(BootClock::now() - released, 450ms) << "told at once, not by the next heartbeat";
  EXPECT_GT(b.try_claim(kMoves)->token(), old_token);
}

TEST(PoolClaims, AReleaseInsideItsOwnStopCallbackDoesNotDeadlock) {
  const auto store = open_memory();
  NodePool a(kService, store, patient("a"));
  NodePool b(kService, store, patient("b"));
  ASSERT_TRUE(a.start().has_value());
  auto claim = a.try_claim(kMoves);
  ASSERT_TRUE(claim.has_value());
  const std::stop_callback callback(claim->hand_over_token(), [&] { claim->release(); });
  ASSERT_TRUE(b.start().has_value());
  EXPECT_TRUE(b.wait_until_eligible(kMoves, BootClock::now() + 30s).has_value());
}

TEST(PoolClaims, StopWaitsForClaimsWithinTheGrace) {
  PoolOptions options = patient("a");
  options.drain_grace = 60s;
  NodePool pool(kService, open_memory(), options);
  ASSERT_TRUE(pool.start().has_value());
  auto claim = pool.try_claim("job");
  ASSERT_TRUE(claim.has_value());
  std::atomic<bool> stopped{false}, told{false};
  std::jthread stopper([&] {
    pool.stop();
    stopped = true;
  });
  ASSERT_TRUE(eventually([&] { return claim->hand_over_token().stop_requested(); }));
  EXPECT_EQ(pool.decide("job").reason, Reason::draining);
  EXPECT_FALSE(stopped);
  told = claim->stop_token().stop_requested();
  EXPECT_TRUE(claim->valid());
  claim.reset();
  EXPECT_TRUE(eventually([&] { return stopped.load(); })) << "long before the grace is over";
  EXPECT_FALSE(told);
}

TEST(PoolClaims, AfterTheGraceTheyAreToldToStopAndStopReturns) {
  PoolOptions options = patient("a");
  options.drain_grace = 100ms;
  options.store_timeout = 100ms;
  NodePool pool(kService, open_memory(), options);
  ASSERT_TRUE(pool.start().has_value());
  auto claim = pool.try_claim("job");
  ASSERT_TRUE(claim.has_value());
  const MonotonicTime begun = BootClock::now();
  pool.stop();
  EXPECT_GE(BootClock::now() - begun, 100ms);
  EXPECT_LT(BootClock::now() - begun, 10s) << "it must not wait for the lease of 20 s";
  EXPECT_TRUE(claim->stop_token().stop_requested());
  EXPECT_FALSE(claim->valid());
  EXPECT_LT(claim->valid_until(), BootClock::now());
  EXPECT_EQ(pool.stats().claims_revoked, 1U);
}

TEST(PoolClaims, AJobThatIgnoresItsStopIsKeptBackFromOthers) {
  const auto store = open_memory();
  PoolOptions options = patient("a");
  options.drain_grace = 0ms;
  options.store_timeout = 100ms;
  NodePool a(kService, store, options);
  NodePool b(kService, store, patient("b"));
  ASSERT_TRUE(a.start().has_value());
  const auto claim = a.try_claim("job");
  ASSERT_TRUE(claim.has_value());
  a.stop();
  const auto started = b.start(500ms);
  ASSERT_FALSE(started.has_value()) << "the lease of a must run out first: its job may still be running";
  EXPECT_EQ(started.error().code, ErrorCode::timed_out);
}

TEST(PoolClaims, AClaimMayOutliveItsPool) {
  std::optional<Claim> claim;
  const MonotonicTime begun = BootClock::now();
  {
    PoolOptions options = patient("a");
    options.store_timeout = 100ms;
    NodePool pool(kService, open_memory(), options);
    ASSERT_TRUE(pool.start().has_value());
    claim = pool.try_claim("job");
    ASSERT_TRUE(claim.has_value());
  }
  EXPECT_LT(BootClock::now() - begun, 10s) << "the destructor must not wait for claims";
  EXPECT_FALSE(claim->valid());
  EXPECT_TRUE(claim->stop_token().stop_requested());
  EXPECT_EQ(claim->job(), "job");
  claim->release();
}

TEST(PoolClaims, AClaimOfAnEarlierLifeStillKeepsItsJob) {
  PoolOptions options = patient("a");
  options.drain_grace = 0ms;
  options.store_timeout = 100ms;
  options.lease = 3s;  // the second life has to wait for the first one's
  NodePool pool(kService, open_memory(), options);
  ASSERT_TRUE(pool.start().has_value());
  auto claim = pool.try_claim("job");
  pool.stop();
  ASSERT_TRUE(pool.start(60s).has_value());
  ASSERT_TRUE(pool.wait_until_eligible("job", BootClock::now() + 60s).has_value());
  Decision why;
  EXPECT_FALSE(pool.try_claim("job", &why).has_value());
  EXPECT_EQ(why.reason, Reason::already_claimed) << "the job may still be running in this process";
  claim.reset();
  EXPECT_TRUE(pool.try_claim("job").has_value());
}

TEST(PoolClaims, ALostLeaseTellsEveryClaimToStop) {
  const auto store = std::make_shared<FaultyDriver>(open_memory());
  NodePool pool(kService, store, hasty("a"));
  ASSERT_TRUE(pool.start().has_value());
  auto claim = pool.try_claim("job");
  ASSERT_TRUE(claim.has_value());
  store->set(FaultyDriver::Mode::hang);
  ASSERT_TRUE(eventually([&] { return claim->stop_token().stop_requested(); }));
  EXPECT_FALSE(claim->valid());
  EXPECT_LT(claim->valid_until(), BootClock::now());
  store->set(FaultyDriver::Mode::good);
  ASSERT_TRUE(eventually([&] { return pool.is_eligible("job"); }));
  EXPECT_FALSE(claim->valid()) << "a lost right does not come back";
  Decision why;
  EXPECT_FALSE(pool.try_claim("job", &why).has_value());
  EXPECT_EQ(why.reason, Reason::already_claimed);
  claim.reset();
  EXPECT_TRUE(pool.try_claim("job").has_value());
}

TEST(PoolClaims, ASlowLogKeepsNoClaimFromItsStopRequest) {
  std::latch log_may_return(1);
  PoolOptions options = hasty("a");
  options.logger = [&](LogLevel, std::string_view, std::span<const LogField> fields) {
    for (const LogField& field : fields) {
      if (field.key == "state" && field.value == "suspended") log_may_return.wait();
    }
  };
  const auto store = std::make_shared<FaultyDriver>(open_memory());
  NodePool pool(kService, store, options);
  ASSERT_TRUE(pool.start().has_value());
  auto claim = pool.try_claim("job");
  store->set(FaultyDriver::Mode::hang);
  EXPECT_TRUE(eventually([&] { return claim->stop_token().stop_requested(); }, 10s));
  log_may_return.count_down();
  claim.reset();
}

TEST(PoolClaims, ManyThreadsNeverHoldOneJobTwice) {
  const auto store = open_memory();
  NodePool a(kService, store, patient("a"));
  NodePool b(kService, store, patient("b"));
  NodePool c(kService, store, patient("c"));
  ASSERT_TRUE(a.start().has_value());
  ASSERT_TRUE(b.start().has_value());
  std::atomic<int> running{0}, runs{0}, overlaps{0};
  const auto work = [&](NodePool& pool) {
    return [&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const auto claim = pool.try_claim(kMoves);
        if (!claim) continue;
        overlaps += running.fetch_add(1) == 0 ? 0 : 1;
        ++runs;
        std::this_thread::yield();
        running.fetch_sub(1);
      }
    };
  };
  {
    const std::jthread first(work(a)), second(work(b)), third(work(b)), fourth(work(c));
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(c.start().has_value());
      c.stop();
    }
    EXPECT_TRUE(eventually([&] { return runs > 50; }));
  }
  EXPECT_EQ(overlaps, 0);
}

// ---- waiting for a job

TEST(PoolWait, EndsWhenTheJobBecomesEligible) {
  const auto store = open_memory();
  NodePool a(kService, store, patient("a"));
  NodePool b(kService, store, patient("b"));
  ASSERT_TRUE(a.start().has_value());
  ASSERT_TRUE(b.start().has_value());
  std::jthread leaver([&] { b.stop(); });
  EXPECT_TRUE(a.wait_until_eligible(kMoves, BootClock::now() + 30s).has_value());
}

TEST(PoolWait, SaysInTimeThatItWasInVainAndWhy) {
  const auto store = open_memory();
  NodePool a(kService, store, patient("a"));
  NodePool b(kService, store, patient("b"));
  ASSERT_TRUE(a.start().has_value());
  ASSERT_TRUE(b.start().has_value());
  ASSERT_TRUE(eventually([&] { return a.state() == NodeState::steady; }));
  for (const MonotonicTime deadline : {BootClock::now() + 50ms, MonotonicTime{}, MonotonicTime::min()}) {
    const auto waited = a.wait_until_eligible(kMoves, deadline);
    ASSERT_FALSE(waited.has_value());
    EXPECT_EQ(waited.error().code, ErrorCode::timed_out);
    EXPECT_NE(waited.error().message.find("not_owner"), std::string::npos);
  }
}

TEST(PoolWait, CanBeCancelled) {
  const auto store = std::make_shared<FaultyDriver>(open_memory());
  NodePool pool(kService, store, hasty("a"));
  ASSERT_TRUE(pool.start().has_value());
  store->set(FaultyDriver::Mode::hang);
  ASSERT_TRUE(eventually([&] { return !pool.is_eligible("job"); }));
  std::stop_source cancel;
  std::jthread canceller([&] { cancel.request_stop(); });
  const auto waited = pool.wait_until_eligible("job", MonotonicTime::max(), cancel.get_token());
  ASSERT_FALSE(waited.has_value());
  EXPECT_EQ(waited.error().code, ErrorCode::cancelled);
}

TEST(PoolWait, EndsWithTheStopOfThePool) {
  const auto store = open_memory();
  NodePool a(kService, store, patient("a"));
  NodePool b(kService, store, patient("b"));
  EXPECT_EQ(a.wait_until_eligible("job", MonotonicTime::max()).error().code, ErrorCode::wrong_state);
  ASSERT_TRUE(a.start().has_value());
  ASSERT_TRUE(b.start().has_value());
  ASSERT_TRUE(eventually([&] { return !a.is_eligible(kMoves); }));
  std::jthread stopper([&] { a.stop(); });
  const auto waited = a.wait_until_eligible(kMoves, MonotonicTime::max());
  ASSERT_FALSE(waited.has_value());
  EXPECT_EQ(waited.error().code, ErrorCode::wrong_state);
}

}  // namespace
}  // namespace nodepool
