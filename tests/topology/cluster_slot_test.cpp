// A slot that is between two nodes, call by call.

#include <gtest/gtest.h>

#include <thread>

#include "conformance/store_contract.hpp"
#include "nodepool/redis.hpp"
#include "support/redis_cluster.hpp"

namespace nodepool::conformance {
namespace {

using namespace std::chrono_literals;

class ClusterSlot : public testing::Test {
 protected:
  static void SetUpTestSuite() { cluster_ = std::make_unique<test::RedisCluster>(3, false); }
  static void TearDownTestSuite() { cluster_.reset(); }

  Peer peer() { return {*driver_, service_, "a", long_lease()}; }
  /// Heartbeats until one succeeds: on a busy machine a call may take too long.
  static SyncReply sync(Peer& node) {
    const auto deadline = BootClock::now() + 10s;
    auto reply = node.try_sync();
    while (!reply && BootClock::now() < deadline) reply = node.try_sync();
    EXPECT_TRUE(reply) << reply.error().message;
    return reply.value_or(SyncReply{});
  }
  std::string key(const std::string& part) const { return "nodepool:{" + service_.str() + "}:" + part; }

  static inline std::unique_ptr<test::RedisCluster> cluster_;
  ServiceName service_{testing::UnitTest::GetInstance()->current_test_info()->name()};
  std::shared_ptr<Driver> driver_ = open_redis(cluster_->url() + "?timeout=10s").value();
};

TEST_F(ClusterSlot, IsFollowedToItsNewOwnerBehindABarrier) {
  Peer node = peer();
  const auto before = sync(node);
  const std::size_t source = cluster_->owner_of(key("pool"));
  cluster_->move_slot(key("pool"), cluster_->master_beside(source));
  const auto moved = BootClock::now();
  const auto after = sync(node);
  EXPECT_LT(BootClock::now() - moved, 3s);  // within the call, not once it has failed
  EXPECT_EQ(after.view.lineage, before.view.lineage);
  EXPECT_GT(after.view.epoch, before.view.epoch);
  EXPECT_GT(after.barrier_left, 0us);
}

/// As long as all of a pool's keys are there, the new node serves them before the slot is its own.
TEST_F(ClusterSlot, IsServedWhereItGoesIfAllKeysAreThere) {
  Peer node = peer();
  Peer other(*driver_, service_, "b", long_lease());
  (void)sync(node);
  (void)sync(other);
  other.request.held = {"job"};
  (void)sync(other);
  ASSERT_TRUE(node.session().request_drain(other.id(), soon()));
  const std::size_t source = cluster_->owner_of(key("pool"));
  const std::size_t target = cluster_->master_beside(source);
  ASSERT_EQ(cluster_->node(source).command({"HSET", key("waiting"), "nobody", "none"}), "1\n");
  cluster_->begin_move(key("pool"), target);
  cluster_->move_keys(key("pool"), target);
  const auto status = node.session().status(soon());
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->members.size(), 2U);
  EXPECT_EQ(sync(node).holds_of_others.size(), 1U);
  cluster_->end_move(key("pool"), target);
  (void)sync(node);
}

/// Keys that do not exist are neither here nor there, and both nodes say so until the move has ended.
TEST_F(ClusterSlot, IsWaitedForWithinTheCallsDeadline) {
  Peer node = peer();
  (void)sync(node);
  const std::size_t target = cluster_->master_beside(cluster_->owner_of(key("pool")));
  cluster_->begin_move(key("pool"), target);
  cluster_->move_keys(key("pool"), target);
  SyncRequest request = node.request;
  request.sequence += 1000;
  const auto started = BootClock::now();
  const auto reply = node.session().sync(request, started + 200ms);
  ASSERT_FALSE(reply);
  const bool worth_another_try =
      reply.error().code == ErrorCode::unavailable || reply.error().code == ErrorCode::outcome_unknown;
  EXPECT_TRUE(worth_another_try) << reply.error().message;
  EXPECT_LT(BootClock::now() - started, 500ms);
  std::jthread ending([&] {
    std::this_thread::sleep_for(50ms);  // no synchronisation: the call is to be under way
    cluster_->end_move(key("pool"), target);
  });
  node.request.sequence += 2000;
  (void)sync(node);
}

}  // namespace
}  // namespace nodepool::conformance
