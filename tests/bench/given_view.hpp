#pragma once

#include <poll.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nodepool/pool.hpp"

/// A pool of any size in one process: a store that shows its only caller a settled view with as many other
/// members as wanted. The pool itself is the real one.

namespace nodepool::bench {

class GivenViewSession final : public Session {
 public:
  explicit GivenViewSession(std::size_t members) : count_(members) {}

  Result<SyncReply> sync(const SyncRequest& request, MonotonicTime /*deadline*/) override {
    SyncReply reply;
    reply.view = {"given", {1}, "view"};
    reply.settled = request.known == reply.view;
    if (!reply.settled) reply.members = members_with(request.node);
    return reply;
  }
  Result<PoolStatus> status(MonotonicTime /*deadline*/) override { return PoolStatus{}; }
  Result<void> request_drain(const NodeId& /*node*/, MonotonicTime /*deadline*/) override { return {}; }
  std::vector<Hint> wait(MonotonicTime until, int wake_fd) override {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - BootClock::now()).count();
    pollfd wake{.fd = wake_fd, .events = POLLIN, .revents = 0};
    ::poll(&wake, 1, static_cast<int>(std::clamp<decltype(left)>(left, 0, 60'000)));
    return {};
  }

 private:
  [[nodiscard]] std::vector<NodeInfo> members_with(const NodeInfo& self) const {
    std::vector<NodeInfo> members{self};
    for (std::size_t i = 1; i < count_; ++i) {
      const std::string name = "distributed-nodepool:service:" + std::to_string(i);
      members.push_back({.id = NodeId(name), .name = NodeName(name)});
    }
    std::ranges::sort(members, {}, [](const NodeInfo& info) { return std::pair(info.name, info.id); });
    return members;
  }

  std::size_t count_;
};

class GivenViewDriver final : public Driver {
 public:
  explicit GivenViewDriver(std::size_t members) : count_(members) {}
  std::string describe() const override { return "given view"; }
  Capabilities capabilities() const noexcept override { return {}; }
  std::unique_ptr<Session> open(const ServiceName& /*service*/) override {
    return std::make_unique<GivenViewSession>(count_);
  }

 private:
  std::size_t count_;
};

/// A steady pool of that many members.
inline std::unique_ptr<NodePool> steady_pool(std::size_t members) {
  PoolOptions options;
  options.name = "distributed-nodepool:service:0";
  options.heartbeat = std::chrono::seconds(60);
  options.lease = std::chrono::seconds(600);
  auto pool = std::make_unique<NodePool>(ServiceName("bench"), std::make_shared<GivenViewDriver>(members),
                                         std::move(options));
  return pool->start().has_value() ? std::move(pool) : nullptr;
}

}  // namespace nodepool::bench
