// Pools whose store is found by Sentinels: real processes, three servers, three Sentinels, real failovers.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>

#include "conformance/store_contract.hpp"
#include "fault/parts/checker.hpp"
#include "nodepool/redis.hpp"
#include "support/event_stream.hpp"
#include "support/redis_replicas.hpp"

namespace nodepool::test {
namespace {

using namespace std::chrono_literals;

void record_recovery(const cli::DemoResult& result, const std::string& step) {
  const auto after = report_named(result, step).steady_after;
  ASSERT_TRUE(after);
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(*after).count();
  testing::Test::RecordProperty("recovery_ms", std::to_string(milliseconds));
  std::cout << fmt::format("time to recovery: {} ms ({})\n", milliseconds, step);
}

PoolScene::Settings short_lease_at(std::string store) {
  return {.store = std::move(store), .heartbeat = 200ms, .lease = 1600ms, .unmoved_jobs_never_pause = false};
}

TEST(Sentinel, AKilledMasterIsReplacedAndComesBack) {
  RedisReplicas redis;
  PoolScene scene(short_lease_at(redis.url() + "?min_replicas=1"));
  for (const char* node : {"a", "b", "c"}) scene.launch(node);
  ASSERT_TRUE(scene.step("start", [] {}));
  const std::string killed = "the master is killed";
  ASSERT_TRUE(scene.step(killed, [&] { redis.server(0).kill(); }));
  ASSERT_NE(redis.master().value_or(0), 0U);
  redis.server(0).start();
  scene.wait_for("the old master to follow the new one",
                 [&] { return redis.has_replicas(*redis.master(), 2); });
  ASSERT_TRUE(scene.step("a node joins", [&] { scene.launch("d"); }));
  record_recovery(scene.judge(), killed);
}

TEST(Sentinel, AMasterReplacedByHandStopsNoJobThatStays) {
  RedisReplicas redis;
  PoolScene scene({.store = redis.url() + "?min_replicas=1", .heartbeat = 250ms, .lease = 4000ms});
  for (const char* node : {"a", "b", "c"}) scene.launch(node);
  ASSERT_TRUE(scene.step("start", [] {}));
  const std::string replaced = "another master by hand";
  ASSERT_TRUE(scene.step(replaced, [&] {
    ASSERT_EQ(redis.sentinel(0).command({"SENTINEL", "FAILOVER", RedisReplicas::kName}), "OK\n");
  }));
  ASSERT_NE(redis.master().value_or(0), 0U);
  record_recovery(scene.judge(), replaced);
}

/// Nothing else tells it: the old master's connections stay up, and say nothing.
TEST(Sentinel, TellsOfANewMasterAtOnce) {
  RedisReplicas redis;
  const auto driver = open_redis(redis.url()).value();
  conformance::Peer node(*driver, ServiceName("service"), "a", conformance::long_lease());
  (void)node.sync();
  node.hear_out();
  redis.isolate(0);
  const auto started = BootClock::now();
  const auto hints = node.session().wait(started + 20s, -1);
  ASSERT_EQ(hints.size(), 1U);
  EXPECT_EQ(hints[0].kind, Hint::Kind::unknown);
  EXPECT_LT(BootClock::now() - started, 15s);
  const auto reply = node.sync();
  EXPECT_GT(reply.barrier_left.count(), 0);
  EXPECT_NE(redis.master().value_or(0), 0U);
}

/// The master is cut off from its replicas, from the Sentinels and from nodes b and c, but not from node a.
class IsolatedMaster : public testing::Test {
 protected:
  void isolate(const std::string& parameters) {
    scene_.emplace(short_lease_at(redis_.url() + parameters));
    // Node a comes to the server's own port, and stays with it whatever the Sentinels say.
    scene_->launch("a", {"--store", redis_.server(0).url() + parameters});
    for (const char* node : {"b", "c"}) scene_->launch(node);
    ASSERT_TRUE(scene_->step("start", [] {}));
    redis_.isolate(0);
    ASSERT_TRUE(scene_->wait_for("b and c to run all jobs", [&] {
      return now("b").jobs.size() + now("c").jobs.size() == PoolScene::Settings{}.jobs;
    }));
  }
  cli::NodeNow now(const std::string& node) {
    return cli::now_of(*scene_->fleet().record(node), std::chrono::system_clock::now());
  }

  RedisReplicas redis_;
  std::optional<PoolScene> scene_;
};

TEST_F(IsolatedMaster, RenewsNoLeaseThatNoReplicaConfirms) {
  ASSERT_NO_FATAL_FAILURE(isolate("?min_replicas=1"));
  EXPECT_EQ(now("a").state, NodeState::suspended);
  const std::string rejoined = "the master is let in again";
  redis_.rejoin(0);
  scene_->wait_for("the old master to follow the new one",
                   [&] { return redis_.has_replicas(*redis_.master(), 2); });
  const auto result = scene_->judge();
  EXPECT_TRUE(result.overlaps.empty());
  const std::string told = scene_->fleet().find("a")->process.errors();
  EXPECT_NE(told.find("0 of 1 replicas"), std::string::npos) << told;
}

/// That the trial above can fail, and what people are told about it.
TEST_F(IsolatedMaster, LetsJobsRunTwiceIfNobodyConfirms) {
  ASSERT_NO_FATAL_FAILURE(isolate(""));
  EXPECT_NE(now("a").state, NodeState::suspended);
  const auto broken = fault::check_one_owner(scene_->fleet().records(), std::chrono::system_clock::now());
  EXPECT_FALSE(broken.empty());
  const std::string told = scene_->fleet().find("b")->process.errors();
  EXPECT_NE(told.find("min_replicas=0"), std::string::npos) << told;
}

}  // namespace
}  // namespace nodepool::test
