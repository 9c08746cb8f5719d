#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "conformance/store_contract.hpp"

/// Many sessions at once: what one sees must agree with what the others see.

namespace nodepool::conformance {
namespace {

/// Collects what all sessions were told and checks it against what was told before. Thread-safe.
class Witness {
 public:
  /// To be called before a request is sent: what the store may take for acknowledged.
  void about_to_acknowledge(const SyncRequest& request) {
    const std::lock_guard lock(mutex_);
    // What another was told before may be looked at after this.
    Epoch& newest = acknowledged_[request.node.id];
    newest = std::max(newest, request.known.epoch);
  }

  void told(const SyncReply& reply) {
    const std::lock_guard lock(mutex_);
    const auto [view, first_told] = views_.try_emplace(reply.view.epoch, reply.view);
    EXPECT_EQ(view->second, reply.view) << "two views have one epoch";
    if (reply.members) {
      const auto [members, first_seen] = members_.try_emplace(reply.view.epoch, *reply.members);
      EXPECT_EQ(members->second, *reply.members) << "one view has two lists of members";
    }
    if (!reply.settled) return;
    for (const NodeInfo& member : members_[reply.view.epoch]) {
      EXPECT_GE(acknowledged_[member.id], reply.view.epoch) << "settled without " << member.name.str();
    }
  }

  [[nodiscard]] std::size_t views() const { return views_.size(); }

 private:
  std::mutex mutex_;
  std::map<Epoch, ViewStamp> views_;
  std::map<Epoch, std::vector<NodeInfo>> members_;
  std::map<NodeId, Epoch> acknowledged_;
};

/// One node's life: heartbeats, with a leave and a new start now and then.
void live(Peer& node, Witness& witness, unsigned seed) {
  std::mt19937 random(seed);
  Epoch last;
  for (int round = 0; round < 60; ++round) {
    const bool leaves = random() % 8 == 0;
    witness.about_to_acknowledge(node.request);
    const SyncReply reply = leaves ? node.leave() : node.sync();
    if (reply.view.empty()) continue;  // Left a pool that nobody has joined yet.
    EXPECT_GE(reply.view.epoch, last) << "an epoch went back";
    last = reply.view.epoch;
    witness.told(reply);
    if (reply.members) {
      const auto ids = ids_of(reply);
      EXPECT_EQ(std::ranges::count(ids, node.id()), leaves ? 0 : 1);
    }
  }
  witness.told(node.leave());
}

TEST_P(StoreContract, ShowsAllSessionsOneHistoryHoweverManyThereAre) {
  constexpr unsigned kNodes = 8;
  const unsigned seed = std::random_device()();
  RecordProperty("seed", static_cast<int>(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  Witness witness;
  std::vector<std::unique_ptr<Peer>> nodes;
  for (unsigned number = 0; number < kNodes; ++number) {
    nodes.push_back(std::make_unique<Peer>(peer("node-" + std::to_string(number), long_lease())));
  }
  {
    std::vector<std::jthread> threads;
    for (unsigned number = 0; number < kNodes; ++number) {
      threads.emplace_back([&, number] { live(*nodes[number], witness, seed + number); });
    }
  }
  EXPECT_GT(witness.views(), 2 * kNodes);
  const auto status = nodes.front()->session().status(soon());
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->members.empty());
}

}  // namespace
}  // namespace nodepool::conformance
