// Pools whose store is a cluster: real processes, six nodes, slots that move and owners that die.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>

#include "support/event_stream.hpp"
#include "support/pools.hpp"
#include "support/redis_cluster.hpp"

namespace nodepool::test {
namespace {

using namespace std::chrono_literals;

const std::string kKey = "nodepool:{scene}:pool";

/// One cluster for all tests: each leaves it well.
class Cluster : public testing::Test {
 protected:
  static void SetUpTestSuite() { cluster_ = std::make_unique<RedisCluster>(3, true); }
  static void TearDownTestSuite() { cluster_.reset(); }

  static void begin(PoolScene& scene) {
    for (const char* node : {"a", "b", "c"}) scene.launch(node);
    ASSERT_TRUE(scene.step("start", [] {}));
  }
  static void print_recovery(const cli::DemoResult& result, const std::string& step) {
    const auto after = report_named(result, step).steady_after;
    ASSERT_TRUE(after);
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(*after).count();
    RecordProperty("recovery_ms", std::to_string(milliseconds));
    std::cout << fmt::format("time to recovery: {} ms ({})\n", milliseconds, step);
  }

  static inline std::unique_ptr<RedisCluster> cluster_;
};

TEST_F(Cluster, ASlotThatMovesStopsNoJobThatStays) {
  PoolScene scene({.store = cluster_->url(), .heartbeat = 250ms, .lease = 2000ms});
  ASSERT_NO_FATAL_FAILURE(begin(scene));
  const std::size_t first = cluster_->owner_of(kKey);
  const std::string away = "the slot moves away";
  const std::string back = "the slot moves back";
  ASSERT_TRUE(scene.step(away, [&] { cluster_->move_slot(kKey, cluster_->master_beside(first)); }));
  ASSERT_NE(cluster_->owner_of(kKey), first);
  ASSERT_TRUE(scene.step("a node joins", [&] { scene.launch("d"); }));
  ASSERT_TRUE(scene.step(back, [&] { cluster_->move_slot(kKey, first); }));
  const auto result = scene.judge();
  print_recovery(result, away);
  print_recovery(result, back);
}

TEST_F(Cluster, AReplicaPromotedByHandStopsNoJobThatStays) {
  PoolScene scene({.store = cluster_->url() + "?min_replicas=1", .heartbeat = 250ms, .lease = 2000ms});
  ASSERT_NO_FATAL_FAILURE(begin(scene));
  const std::size_t first = cluster_->owner_of(kKey);
  const std::size_t replica = cluster_->replica_of(first);
  const std::string promoted = "a replica is promoted by hand";
  ASSERT_TRUE(scene.step(promoted, [&] {
    ASSERT_EQ(cluster_->node(replica).command({"CLUSTER", "FAILOVER"}), "OK\n");
  }));
  EXPECT_EQ(cluster_->owner_of(kKey), replica);
  print_recovery(scene.judge(), promoted);
  EXPECT_TRUE(eventually([&] { return cluster_->is_well(); }));
}

TEST_F(Cluster, ADeadOwnerIsReplaced) {
  PoolScene scene(
      {.store = cluster_->url(), .heartbeat = 200ms, .lease = 1600ms, .unmoved_jobs_never_pause = false});
  ASSERT_NO_FATAL_FAILURE(begin(scene));
  const std::size_t owner = cluster_->owner_of(kKey);
  const std::string killed = "the slot's owner is killed";
  ASSERT_TRUE(scene.step(killed, [&] { cluster_->node(owner).kill(); }));
  EXPECT_NE(cluster_->owner_of(kKey), owner);
  print_recovery(scene.judge(), killed);
  cluster_->node(owner).start();
  EXPECT_TRUE(eventually([&] { return cluster_->is_well(); }));
}

}  // namespace
}  // namespace nodepool::test
