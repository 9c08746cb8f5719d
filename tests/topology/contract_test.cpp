// The contract of all stores through a Sentinel, and in a cluster: one of each for all of its tests.

#include <gtest/gtest.h>

#include "conformance/store_contract.hpp"
#include "nodepool/redis.hpp"
#include "support/redis_cluster.hpp"
#include "support/redis_replicas.hpp"

namespace nodepool::conformance {
namespace {

test::RedisReplicas& shared_replicas() {
  static test::RedisReplicas replicas;
  return replicas;
}

test::RedisCluster& shared_cluster() {
  static test::RedisCluster cluster(3, false);
  return cluster;
}

class BySentinel final : public StoreUnderTest {
 public:
  BySentinel() { (void)shared_replicas().server(0).command({"FLUSHALL"}); }
  std::shared_ptr<Driver> connect() override {
    return open_redis(shared_replicas().url() + "?min_replicas=1").value();
  }
  [[nodiscard]] bool first_pool_is_behind_barrier() const override { return true; }
};

class InCluster final : public StoreUnderTest {
 public:
  InCluster() {
    for (std::size_t index = 0; index < shared_cluster().size(); ++index)
      (void)shared_cluster().node(index).command({"FLUSHALL"});
  }
  std::shared_ptr<Driver> connect() override { return open_redis(shared_cluster().url()).value(); }
  [[nodiscard]] bool first_pool_is_behind_barrier() const override { return true; }
};

INSTANTIATE_TEST_SUITE_P(
    Redis, StoreContract,
    testing::Values(StoreParameter{"sentinel", [] { return std::make_unique<BySentinel>(); }},
                    StoreParameter{"cluster", [] { return std::make_unique<InCluster>(); }}),
    name_of);

}  // namespace
}  // namespace nodepool::conformance
