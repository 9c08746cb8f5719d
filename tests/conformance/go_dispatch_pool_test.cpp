// Pools with members of both kinds: NodePools, and nodes that play go-dispatch.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "conformance/go_dispatch_fixture.hpp"
#include "nodepool/pool.hpp"
#include "support/go_node.hpp"
#include "support/pools.hpp"
#include "support/tcp_gate.hpp"

namespace nodepool::conformance {
namespace {

using test::eventually;
using test::GoNode;

constexpr std::size_t kLongestReport = 1000;

/// Asks all members about all jobs, all the time, and notes instants with two owners.
class Referee {
 public:
  using Answer = std::function<bool(const std::string& job)>;

  explicit Referee(std::vector<std::string> jobs)
      : jobs_(std::move(jobs)), thread_([this](const std::stop_token& stop) {
          while (!stop.stop_requested()) watch();
        }) {}
  ~Referee() {
    thread_.request_stop();
    thread_.join();
  }
  Referee(const Referee&) = delete;
  Referee& operator=(const Referee&) = delete;

  void add(const std::string& name, Answer answer) {
    const std::lock_guard lock(mutex_);
    answers_[name] = std::move(answer);
  }
  /// Every job has exactly the owner that the ring of these names gives it.
  bool agree(const std::vector<std::string>& names) {
    std::vector<RingNode> nodes;
    for (const std::string& name : names) nodes.push_back({name});
    const auto ring = HashRing::build(std::move(nodes), 50).value();
    const std::lock_guard lock(mutex_);
    return std::ranges::all_of(
        jobs_, [&](const std::string& job) { return owners_of(job) == std::vector{ring.owner(job)->name}; });
  }
  [[nodiscard]] std::string overlaps() {
    const std::lock_guard lock(mutex_);
    return overlaps_;
  }
  [[nodiscard]] std::uint64_t rounds() const noexcept { return rounds_; }

 private:
  void watch() {
    {
      const std::lock_guard lock(mutex_);
      for (const std::string& job : jobs_) {
        const auto owners = owners_of(job);
        if (owners.size() < 2) continue;
        // They were asked one after the other: only if the first still says yes there are two at an instant.
        if (answers_.at(owners[0])(job) && overlaps_.size() < kLongestReport) {
          overlaps_ += fmt::format("{}: {}\n", job, fmt::join(owners, " and "));
        }
      }
    }
    ++rounds_;
    std::this_thread::sleep_for(1ms);
  }
  /// REQUIRES: mutex_ is held.
  [[nodiscard]] std::vector<std::string> owners_of(const std::string& job) const {
    std::vector<std::string> owners;
    for (const auto& [name, answer] : answers_) {
      if (answer(job)) owners.push_back(name);
    }
    return owners;
  }

  const std::vector<std::string> jobs_;
  std::mutex mutex_;  ///< Guards what follows.
  std::map<std::string, Answer> answers_;
  std::string overlaps_;
  std::atomic<std::uint64_t> rounds_{0};
  std::jthread thread_;
};

std::string name_in_pool(const NodePool& pool) {
  return pool.node_name().str();
}

class GoDispatchPool : public GoDispatchPlace, public testing::WithParamInterface<GoDispatchLayout> {
 protected:
  /// Starts without waiting. The members live as long as the referee asks them.
  std::shared_ptr<NodePool> launch_pool(std::uint16_t port = 0) {
    auto pool = std::make_shared<NodePool>(ServiceName(service_), connect(GetParam(), port));
    starts_.emplace_back([pool] {
      const auto started = pool->start(30s);
      EXPECT_TRUE(started) << started.error().message;
    });
    EXPECT_TRUE(eventually([&] { return !pool->node_name().empty(); }));
    referee_.add(name_in_pool(*pool), [pool](const std::string& job) { return pool->is_eligible(job); });
    return pool;
  }
  std::shared_ptr<GoNode> launch_go() {
    auto node = std::make_shared<GoNode>(server_.port(), GetParam(), service_, 1s);
    go_nodes_.push_back(node);
    referee_.add(node->name(), [node](const std::string& job) { return node->is_eligible(job); });
    return node;
  }
  void await_starts() { starts_.clear(); }
  bool all_agree(const std::vector<std::string>& names) {
    return eventually([&] { return referee_.agree(names); }, 15s);
  }
  /// A node in Go never comes back from a stall of the machine that outlasts its key, so nothing more can be
  /// told then, but that there were no two owners.
  void give_up(const char* when) const {
    for (const auto& node : go_nodes_) {
      if (node->has_lost_its_name()) GTEST_SKIP() << "the machine stood still for longer than a key lives";
    }
    FAIL() << "no agreement: " << when;
  }
  void TearDown() override {
    EXPECT_EQ(referee_.overlaps(), "") << "two said yes at one instant";
    EXPECT_GT(referee_.rounds(), 100U);
  }

  test::TcpGate gate_{server_.port()};
  Referee referee_{test::some_jobs(40)};

 private:
  std::vector<std::shared_ptr<GoNode>> go_nodes_;
  std::vector<std::jthread> starts_;
};

TEST_P(GoDispatchPool, BothKindsComeAndGoAndAlwaysAgree) {
  auto first_go = launch_go();
  auto second_go = launch_go();
  auto pool = launch_pool();
  auto far_pool = launch_pool(gate_.port());
  await_starts();
  if (!all_agree({first_go->name(), second_go->name(), name_in_pool(*pool), name_in_pool(*far_pool)}))
    return give_up("the first four");

  pool->stop();
  if (!all_agree({first_go->name(), second_go->name(), name_in_pool(*far_pool)}))
    return give_up("one of ours has left");
  first_go->kill();
  if (!all_agree({second_go->name(), name_in_pool(*far_pool)})) return give_up("one in Go was killed");

  gate_.set({.requests_pass = false, .replies_pass = false});
  if (!all_agree({second_go->name()})) return give_up("one of ours was cut off");
  EXPECT_EQ(far_pool->state(), NodeState::suspended);
  gate_.set({});
  if (!all_agree({second_go->name(), name_in_pool(*far_pool)})) return give_up("it is back under its name");
  EXPECT_GE(far_pool->stats().leases_lost, 1U);

  second_go->stop();
  if (!all_agree({name_in_pool(*far_pool)})) return give_up("the last one in Go was stopped");
}

TEST_P(GoDispatchPool, AServerThatForgetsEverythingMakesNoTwoOwners) {
  auto go = launch_go();
  auto one = launch_pool();
  auto other = launch_pool();
  await_starts();
  const std::vector<std::string> names{go->name(), name_in_pool(*one), name_in_pool(*other)};
  if (!all_agree(names)) return give_up("all three");
  server_.kill();
  ASSERT_TRUE(eventually(
      [&] { return one->state() == NodeState::suspended && other->state() == NodeState::suspended; }));
  server_.start();
  if (GetParam() == GoDispatchLayout::zset) {
    EXPECT_TRUE(all_agree(names)) << "all are back under their names";
  } else {
    // The node in Go has registered again under a name that nobody answers for; ours are who they were.
    ASSERT_TRUE(eventually(
        [&] {
          return one->state() == NodeState::steady && other->state() == NodeState::steady &&
                 one->nodes().size() == 3 && other->nodes().size() == 3;
        },
        15s));
    EXPECT_FALSE(std::ranges::any_of(one->nodes(),
                                     [&](const NodeInfo& node) { return node.name.str() == go->name(); }));
    EXPECT_TRUE(eventually([&] { return go->is_steady(); }));
  }
  EXPECT_EQ(name_in_pool(*one), names[1]);
}

INSTANTIATE_TEST_SUITE_P(Layouts, GoDispatchPool,
                         testing::Values(GoDispatchLayout::key, GoDispatchLayout::zset),
                         [](const auto& layout) {
                           return layout.param == GoDispatchLayout::key ? "Key" : "Zset";
                         });

}  // namespace
}  // namespace nodepool::conformance
