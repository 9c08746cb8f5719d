// P4: a decision makes no use of the heap.

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "nodepool/pool.hpp"
#include "support/allocation_counter.hpp"
#include "support/pools.hpp"

namespace nodepool {
namespace {

TEST(Allocation, TheCounterCounts) {
  const std::size_t before = test::allocations();
  const auto something = std::make_unique<int>(1);
  EXPECT_EQ(test::allocations() - before, 1U);
}

/// How often these decisions allocate once the thread has made one with each pool.
std::size_t allocations_of_decisions(const std::vector<std::unique_ptr<NodePool>>& pools) {
  std::vector<Job> jobs;
  for (std::string& name : test::some_jobs(100)) jobs.emplace_back(std::move(name));
  for (const auto& pool : pools) static_cast<void>(pool->is_eligible("job"));
  const std::size_t before = test::allocations();
  int yes = 0;
  for (const Job& job : jobs) {
    for (const auto& pool : pools) {
      yes += pool->is_eligible(job) ? 1 : 0;
      yes += pool->is_eligible(job.name()) ? 1 : 0;
      yes += pool->decide(job) ? 1 : 0;
      yes += pool->decide(job.name()) ? 1 : 0;
      yes += pool->state() == NodeState::steady ? 1 : 0;
    }
  }
  const std::size_t after = test::allocations();
  EXPECT_GT(yes, 0);
  return after - before;
}

std::vector<std::unique_ptr<NodePool>> started_pools(int count) {
  const auto store = open_memory();
  std::vector<std::unique_ptr<NodePool>> pools;
  for (int i = 0; i < count; ++i) {
    const ServiceName service("service" + std::to_string(i));
    pools.push_back(std::make_unique<NodePool>(service, store, test::patient("a")));
    EXPECT_TRUE(pools.back()->start().has_value());
  }
  return pools;
}

TEST(Allocation, ADecisionAllocatesNothing) {
  EXPECT_EQ(allocations_of_decisions(started_pools(1)), 0U);
}

TEST(Allocation, NorDoesItWithMorePoolsThanAThreadRemembers) {
  EXPECT_EQ(allocations_of_decisions(started_pools(70)), 0U);
}

}  // namespace
}  // namespace nodepool
