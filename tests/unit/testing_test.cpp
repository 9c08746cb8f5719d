// The fake for users' tests: it must behave as a pool does, and only as the test has said.

#include "nodepool/testing.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

namespace nodepool {
namespace {

using namespace std::chrono_literals;

/// A started fake to which "job" is granted.
struct Granted {
  FakeNodePool pool;
  Granted() {
    pool.grant("job");
    EXPECT_TRUE(pool.start().has_value());
  }
};

TEST(FakeNodePool, NothingIsEligibleUnlessGrantedAndStarted) {
  FakeNodePool pool;
  pool.grant("job");
  EXPECT_EQ(pool.decide("job").reason, Reason::stopped);
  ASSERT_TRUE(pool.start().has_value());
  EXPECT_TRUE(pool.is_eligible("job"));
  EXPECT_EQ(pool.decide("other").reason, Reason::not_owner);
  pool.stop();
  EXPECT_EQ(pool.decide("job").reason, Reason::stopped);
  EXPECT_EQ(pool.starts(), 1);
  EXPECT_EQ(pool.stops(), 1);
}

TEST(FakeNodePool, APredicateDecidesWhatWasNotNamed) {
  Granted g;
  g.pool.grant_if([](std::string_view job) { return job.starts_with("a"); });
  g.pool.revoke("apple", Reason::held_by_other);
  EXPECT_TRUE(g.pool.is_eligible("avocado"));
  EXPECT_FALSE(g.pool.is_eligible("banana"));
  EXPECT_EQ(g.pool.decide("apple").reason, Reason::held_by_other);
  EXPECT_TRUE(g.pool.is_eligible("job"));
  g.pool.grant_if([](std::string_view) -> bool { throw std::runtime_error("no"); });
  EXPECT_FALSE(g.pool.is_eligible("avocado"));
  g.pool.grant_if({});
  EXPECT_FALSE(g.pool.is_eligible("avocado"));
}

TEST(FakeNodePool, APredicateMayAskThePoolItself) {
  Granted g;
  g.pool.grant_if([&](std::string_view) { return g.pool.state() == NodeState::steady; });
  EXPECT_TRUE(g.pool.is_eligible("any"));
}

TEST(FakeNodePool, ItsClaimsAreRealOnes) {
  Granted g;
  auto claim = g.pool.try_claim("job");
  ASSERT_TRUE(claim.has_value());
  EXPECT_EQ(claim->token(), g.pool.decide("job").token);
  EXPECT_TRUE(claim->valid());
  EXPECT_EQ(g.pool.claimed_jobs(), std::vector<std::string>{"job"});
  Decision why;
  EXPECT_FALSE(g.pool.try_claim("job", &why).has_value());
  EXPECT_EQ(why.reason, Reason::already_claimed);
  EXPECT_FALSE(g.pool.try_claim("", &why).has_value());
  EXPECT_EQ(why.reason, Reason::invalid_job);
  const FencingToken first = claim->token();
  claim->release();
  EXPECT_FALSE(g.pool.is_claimed("job"));
  g.pool.revoke("job");
  g.pool.grant("job");
  EXPECT_GT(g.pool.try_claim("job")->token(), first);
}

TEST(FakeNodePool, TheTestFiresTheTokens) {
  Granted g;
  auto claim = g.pool.try_claim("job");
  EXPECT_FALSE(g.pool.ask_to_hand_over("other"));
  EXPECT_TRUE(g.pool.ask_to_hand_over("job"));
  EXPECT_TRUE(claim->hand_over_token().stop_requested());
  EXPECT_TRUE(claim->valid());
  EXPECT_TRUE(g.pool.tell_to_stop("job"));
  EXPECT_TRUE(claim->stop_token().stop_requested());
  EXPECT_FALSE(claim->valid());
  EXPECT_TRUE(g.pool.is_claimed("job")) << "until it is released";
}

TEST(FakeNodePool, ARevokedJobsClaimIsAskedAndStaysValid) {
  Granted g;
  auto claim = g.pool.try_claim("job");
  g.pool.revoke("job");
  EXPECT_TRUE(claim->hand_over_token().stop_requested());
  EXPECT_TRUE(claim->valid());
  EXPECT_FALSE(g.pool.is_eligible("job"));
}

TEST(FakeNodePool, ALostLeaseStopsClaimsForGood) {
  Granted g;
  auto claim = g.pool.try_claim("job");
  g.pool.lose_lease();
  EXPECT_EQ(g.pool.state(), NodeState::suspended);
  EXPECT_EQ(g.pool.decide("job").reason, Reason::lease_lost);
  EXPECT_TRUE(claim->stop_token().stop_requested());
  g.pool.regain_lease();
  EXPECT_TRUE(g.pool.is_eligible("job"));
  EXPECT_FALSE(claim->valid());
  EXPECT_EQ(g.pool.stats().leases_lost, 1U);
  EXPECT_EQ(g.pool.stats().claims_revoked, 1U);
}

TEST(FakeNodePool, AReleaseInsideAStopCallbackDoesNotDeadlock) {
  Granted g;
  auto claim = g.pool.try_claim("job");
  const std::stop_callback callback(claim->hand_over_token(), [&] { claim->release(); });
  g.pool.stop();
  EXPECT_FALSE(g.pool.is_claimed("job"));
  EXPECT_FALSE(claim->stop_token().stop_requested()) << "it finished when it was asked";
}

TEST(FakeNodePool, StartsGoAsScripted) {
  FakeNodePool pool;
  pool.script_start({failure(ErrorCode::timed_out, "too slow"), {}});
  EXPECT_EQ(pool.start().error().code, ErrorCode::timed_out);
  EXPECT_EQ(pool.state(), NodeState::stopped);
  EXPECT_TRUE(pool.start().has_value());
  EXPECT_EQ(pool.start().error().code, ErrorCode::wrong_state);
  pool.stop();
  EXPECT_TRUE(pool.start().has_value()) << "after the script, success";
  std::stop_source cancel;
  cancel.request_stop();
  pool.stop();
  EXPECT_EQ(pool.start(1s, cancel.get_token()).error().code, ErrorCode::cancelled);
}

TEST(FakeNodePool, ShowsTheStateItIsGiven) {
  Granted g;
  for (const NodeState state :
       {NodeState::joining, NodeState::draining, NodeState::suspended, NodeState::stopped}) {
    g.pool.set_state(state);
    EXPECT_EQ(g.pool.state(), state);
    EXPECT_FALSE(g.pool.is_eligible("job")) << to_string(state);
  }
  g.pool.set_state(NodeState::upgrading);
  EXPECT_TRUE(g.pool.is_eligible("job"));
}

TEST(FakeNodePool, ShowsMembersAndOwners) {
  FakeNodePool pool(NodeName("m"));
  EXPECT_TRUE(pool.nodes().empty());
  ASSERT_TRUE(pool.start().has_value());
  EXPECT_FALSE(pool.owner("job").has_value());
  pool.set_other_members({{.id = NodeId("1"), .name = NodeName("a")}});
  pool.grant("mine");
  EXPECT_EQ(pool.owner("mine")->name, NodeName("m"));
  EXPECT_EQ(pool.owner("job")->name, NodeName("a"));
  ASSERT_EQ(pool.nodes().size(), 2U);
  EXPECT_EQ(pool.nodes().front().name, NodeName("a"));
  EXPECT_EQ(pool.node_id().str().size(), 32U);
}

TEST(FakeNodePool, AWaitEndsWithTheGrant) {
  FakeNodePool pool;
  EXPECT_EQ(pool.wait_until_eligible("job", MonotonicTime::max()).error().code, ErrorCode::wrong_state);
  ASSERT_TRUE(pool.start().has_value());
  EXPECT_EQ(pool.wait_until_eligible("job", MonotonicTime::min()).error().code, ErrorCode::timed_out);
  const std::jthread granter([&] { pool.grant("job"); });
  EXPECT_TRUE(pool.wait_until_eligible("job", BootClock::now() + 30s).has_value());
}

TEST(FakeNodePool, AClaimMayOutliveIt) {
  std::optional<Claim> claim;
  {
    Granted g;
    claim = g.pool.try_claim("job");
  }
  EXPECT_FALSE(claim->valid());
  EXPECT_TRUE(claim->stop_token().stop_requested());
  claim->release();
}

}  // namespace
}  // namespace nodepool
