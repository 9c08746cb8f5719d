// A pool's life: start, stop, membership, decisions, all on the memory driver with real threads.

#include "nodepool/pool.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <set>

#include "support/faulty_driver.hpp"
#include "support/node_dialogue.hpp"
#include "support/pools.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::job_where;
using test::kService;
using test::patient;
using test::some_jobs;

TEST(Pool, StartsSteadyAndStops) {
  NodePool pool(kService, open_memory(), patient("a"));
  EXPECT_EQ(pool.state(), NodeState::stopped);
  EXPECT_EQ(pool.decide("job").reason, Reason::stopped);
  EXPECT_TRUE(pool.node_id().empty());
  EXPECT_FALSE(pool.owner("job").has_value());
  EXPECT_EQ(pool.last_view_change(), MonotonicTime{});

  ASSERT_TRUE(pool.start().has_value());
  EXPECT_EQ(pool.state(), NodeState::steady);
  EXPECT_TRUE(pool.is_eligible("job"));
  EXPECT_EQ(pool.node_id().str().size(), 32U);
  EXPECT_EQ(pool.node_name(), NodeName("a"));
  EXPECT_EQ(pool.owner("job")->name, NodeName("a"));
  EXPECT_EQ(pool.nodes().size(), 1U);
  EXPECT_TRUE(pool.view().settled);
  EXPECT_NE(pool.last_view_change(), MonotonicTime{});

  pool.stop();
  EXPECT_EQ(pool.state(), NodeState::stopped);
  EXPECT_EQ(pool.decide("job").reason, Reason::stopped);
  pool.stop();
}

TEST(Pool, ASecondStartIsRefusedAndHarmsNothing) {
  NodePool pool(kService, open_memory(), patient("a"));
  ASSERT_TRUE(pool.start().has_value());
  const auto second = pool.start();
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::wrong_state);
  EXPECT_TRUE(pool.is_eligible("job"));
}

TEST(Pool, AStartAfterAStopIsANewLifeUnderTheSameName) {
  NodePool pool(kService, open_memory(), patient("a"));
  ASSERT_TRUE(pool.start().has_value());
  const NodeId first = pool.node_id();
  const Decision before = pool.decide("job");
  pool.stop();
  ASSERT_TRUE(pool.start().has_value());
  EXPECT_NE(pool.node_id(), first);
  EXPECT_TRUE(pool.is_eligible("job"));
  EXPECT_GT(pool.decide("job").token, before.token);
}

TEST(Pool, ANameIsMadeUpWhereNoneIsGiven) {
  PoolOptions options = patient("");
  NodePool pool(kService, open_memory(), options);
  ASSERT_TRUE(pool.start().has_value());
  EXPECT_TRUE(validate(pool.node_name()).has_value());
}

TEST(Pool, TheConstructorOfGoDispatchTakesThePeriodForTheLease) {
  NodePool pool("myService", open_memory(), 10s, 50);
  ASSERT_TRUE(pool.start().has_value());
  const auto left = pool.decide("job1").valid_until - BootClock::now();
  EXPECT_LE(left, 10s);
  EXPECT_GT(left, 4s);
}

TEST(Pool, TwoPoolsShareJobsDisjointlyAndCompletely) {
  const auto store = open_memory();
  NodePool a(kService, store, patient("a"));
  NodePool b(kService, store, patient("b"));
  ASSERT_TRUE(a.start().has_value());
  ASSERT_TRUE(b.start().has_value());
  ASSERT_TRUE(eventually([&] { return a.state() == NodeState::steady; }));
  int of_a = 0;
  for (const std::string& job : some_jobs(300)) {
    EXPECT_NE(a.is_eligible(job), b.is_eligible(job)) << job;
    EXPECT_EQ(a.is_eligible(job), a.owner(job)->name == NodeName("a"));
    EXPECT_EQ(a.owner(job)->id, b.owner(job)->id);
    of_a += a.is_eligible(job) ? 1 : 0;
  }
  EXPECT_GT(of_a, 50);
  EXPECT_LT(of_a, 250);
}

TEST(Pool, PoolsOfDifferentServicesDoNotMeet) {
  const auto store = open_memory();
  NodePool a(ServiceName("one"), store, patient("a"));
  NodePool b(ServiceName("two"), store, patient("b"));
  ASSERT_TRUE(a.start().has_value());
  ASSERT_TRUE(b.start().has_value());
  EXPECT_TRUE(a.is_eligible("job"));
  EXPECT_TRUE(b.is_eligible("job"));
}

TEST(Pool, FiftyInOneProcessAgree) {
  const auto store = open_memory();
  std::vector<std::unique_ptr<NodePool>> pools;
  for (int i = 0; i < 50; ++i) {
    pools.push_back(std::make_unique<NodePool>(kService, store, patient("node" + std::to_string(i))));
    ASSERT_TRUE(pools.back()->start().has_value()) << i;
  }
  ASSERT_TRUE(eventually([&] {
    return std::ranges::all_of(pools, [](const auto& pool) { return pool->state() == NodeState::steady; });
  }));
  for (const std::string& job : some_jobs(300)) {
    EXPECT_EQ(std::ranges::count_if(pools, [&](const auto& pool) { return pool->is_eligible(job); }), 1);
  }
}

/// P1 and P3 while a third node comes and goes: no job has two owners, and one that does not move never
/// pauses.
TEST(Pool, JobsThatDoNotMoveNeverPauseAndNoJobHasTwoOwners) {
  const auto store = open_memory();
  NodePool a(kService, store, patient("a"));
  NodePool b(kService, store, patient("b"));
  NodePool c(kService, store, patient("c"));
  ASSERT_TRUE(a.start().has_value());
  ASSERT_TRUE(b.start().has_value());
  ASSERT_TRUE(eventually([&] { return a.state() == NodeState::steady; }));
  const std::string stays_a = job_where({{{"a", "b"}, "a"}, {{"a", "b", "c"}, "a"}});
  const std::string stays_b = job_where({{{"a", "b"}, "b"}, {{"a", "b", "c"}, "b"}});
  const std::string moves = job_where({{{"a", "b"}, "a"}, {{"a", "b", "c"}, "c"}});

  std::atomic<int> pauses{0}, overlaps{0}, rounds{0};
  const auto check_pauses = [&](const NodePool& pool, const std::string& job) {
    return [&pauses, &rounds, &pool, &job](const std::stop_token& stop) {
      for (; !stop.stop_requested(); ++rounds) pauses += pool.is_eligible(job) ? 0 : 1;
    };
  };
  const auto check_owners = [&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const Decision first = a.decide(moves);
      const bool other = c.is_eligible(moves);
      const Decision last = a.decide(moves);
      overlaps += first && other && last && first.token == last.token ? 1 : 0;
    }
  };
  {
    const std::jthread checker_a(check_pauses(a, stays_a));
    const std::jthread checker_b(check_pauses(b, stays_b));
    const std::jthread checker_moves(check_owners);
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(c.start().has_value());
      EXPECT_TRUE(eventually([&] { return c.is_eligible(moves); }));
      c.stop();
      EXPECT_TRUE(eventually([&] { return a.is_eligible(moves); }));
    }
  }
  EXPECT_GT(rounds, 100);
  EXPECT_EQ(pauses, 0);
  EXPECT_EQ(overlaps, 0);
}

TEST(Pool, ANodeThatIsAskedToDrainLeavesAndCanStartAgain) {
  const auto store = open_memory();
  NodePool a(kService, store, patient("a"));
  NodePool b(kService, store, patient("b"));
  ASSERT_TRUE(a.start().has_value());
  ASSERT_TRUE(b.start().has_value());
  const auto operators_line = store->open(kService);
  ASSERT_TRUE(operators_line->request_drain(b.node_id(), BootClock::now() + 10s).has_value());
  ASSERT_TRUE(eventually([&] { return b.state() == NodeState::stopped; }));
  ASSERT_TRUE(eventually([&] { return a.nodes().size() == 1 && a.state() == NodeState::steady; }));
  EXPECT_TRUE(b.start().has_value());
  EXPECT_EQ(b.state(), NodeState::steady);
}

TEST(Pool, CountsWhatHappens) {
  const auto store = open_memory();
  NodePool a(kService, store, patient("a"));
  NodePool b(kService, store, patient("b"));
  ASSERT_TRUE(a.start().has_value());
  ASSERT_TRUE(b.start().has_value());
  ASSERT_TRUE(eventually([&] { return a.stats().views_adopted == 2 && a.stats().hints > 0; }));
  EXPECT_GE(a.stats().syncs_ok, 3U);
  EXPECT_EQ(a.stats().syncs_failed, 0U);
  EXPECT_EQ(a.stats().leases_lost, 0U);
  EXPECT_EQ(a.stats().bugs, 0U);
  b.stop();
  EXPECT_TRUE(eventually([&] { return a.stats().views_adopted == 3; }));
}

TEST(Pool, AllFaultsOfTheOptionsAreToldAtOnceByStart) {
  PoolOptions options = patient("a b");
  options.points = 0;
  NodePool pool(kService, open_memory(), options);
  const auto started = pool.start();
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(started.error().message.find("points"), std::string::npos);
  EXPECT_NE(started.error().message.find("node name"), std::string::npos);
  EXPECT_EQ(pool.state(), NodeState::stopped);
}

TEST(Pool, ServiceNamesThatCouldBreakAKeyAreRefused) {
  for (const char* name : {"", "a b", "a{b}", "a\n", "*"}) {
    NodePool pool(ServiceName(name), open_memory(), patient("a"));
    const auto started = pool.start();
    ASSERT_FALSE(started.has_value()) << name;
    EXPECT_EQ(started.error().code, ErrorCode::invalid_argument);
  }
}

TEST(Pool, WithoutADriverItSaysSo) {
  NodePool pool(kService, nullptr, patient("a"));
  EXPECT_EQ(pool.start().error().code, ErrorCode::invalid_argument);
}

TEST(Pool, AnotherConfigurationIsRefusedAtTheStart) {
  const auto store = open_memory();
  NodePool a(kService, store, patient("a"));
  ASSERT_TRUE(a.start().has_value());
  PoolOptions other = patient("b");
  other.points = 51;
  NodePool b(kService, store, other);
  const auto started = b.start();
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, ErrorCode::config_mismatch);
  EXPECT_EQ(b.state(), NodeState::stopped);
}

/// What a child of fork() may do with its parent's pool; the child's exit status is the number of the first
/// thing that went wrong.
int misbehaviour_in_child(std::unique_ptr<NodePool> pool, std::optional<Claim> claim) {
  if (pool->is_eligible("job") || pool->decide("job").reason != Reason::stopped) return 1;
  if (pool->state() != NodeState::stopped) return 2;
  if (pool->try_claim("other")) return 3;
  if (pool->start().has_value()) return 4;
  pool->stop();
  claim.reset();
  pool.reset();
#if !defined(__SANITIZE_THREAD__)  // it allows no threads in the child of a program with threads
  NodePool own(kService, open_memory(), patient("child"));
  if (!own.start().has_value() || !own.is_eligible("job")) return 5;
  own.stop();
#endif
  return 0;
}

TEST(Pool, TheChildOfAForkAnswersNoAndGoesInPeace) {
  const auto store = open_memory();
  auto pool = std::make_unique<NodePool>(kService, store, patient("a"));
  ASSERT_TRUE(pool->start().has_value());
  auto claim = pool->try_claim("claimed");
  ASSERT_TRUE(claim.has_value());
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(60);
    ::_exit(misbehaviour_in_child(std::move(pool), std::move(claim)));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(pool->is_eligible("job")) << "the parent goes on";
  EXPECT_TRUE(claim->valid());
}

}  // namespace
}  // namespace nodepool
