#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "nodepool/go_dispatch.hpp"
#include "support/redis_server.hpp"

namespace nodepool::conformance {

using namespace std::chrono_literals;

/// A server on which a pool of go-dispatch lives.
class GoDispatchPlace : public testing::Test {
 protected:
  [[nodiscard]] GoDispatchOptions options(GoDispatchLayout layout, std::uint16_t port = 0,
                                          std::chrono::milliseconds period = 1s) const {
    GoDispatchOptions options{.layout = layout, .period = period};
    options.redis.port = port == 0 ? server_.port() : port;
    return options;
  }
  [[nodiscard]] std::shared_ptr<Driver> connect(GoDispatchLayout layout, std::uint16_t port = 0) const {
    return open_go_dispatch(options(layout, port)).value();
  }

  test::RedisServer server_;
  const std::string service_ = "svc";
  const std::string group_ = "distributed-nodepool:svc:";
};

/// One node of ours, call by call.
class GoPeer {
 public:
  GoPeer(Driver& driver, const std::string& service) : session_(driver.open(ServiceName(service))) {
    request.node.id = NodeId("own");
    request.node.name = *session_->node_name();
  }

  Result<SyncReply> try_sync() {
    request.sequence += 1;
    request.nonce = "nonce" + std::to_string(request.sequence);
    auto reply = session_->sync(request, BootClock::now() + 5s);
    if (reply && reply->members) {
      request.known = reply->view;
      members = *reply->members;
    }
    return reply;
  }
  SyncReply sync() {
    auto reply = try_sync();
    EXPECT_TRUE(reply) << reply.error().message;
    return reply.value_or(SyncReply{});
  }
  /// Waits for as long as the last reply asked for, then syncs.
  SyncReply sync_after(const SyncReply& last) {
    static_cast<void>(session_->wait(BootClock::now() + last.look_again_in.value_or(0us) + 1ms, -1));
    return sync();
  }
  /// In its own pace until the list is settled; a failure of the test after five seconds.
  SyncReply settle() {
    const auto deadline = BootClock::now() + 5s;
    SyncReply reply = sync();
    while (!reply.settled && BootClock::now() < deadline) reply = sync_after(reply);
    EXPECT_TRUE(reply.settled);
    return reply;
  }
  [[nodiscard]] const std::string& name() const { return request.node.name.str(); }
  [[nodiscard]] Session& session() { return *session_; }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const NodeInfo& member : members) all.push_back(member.name.str());
    return all;
  }

  SyncRequest request;
  std::vector<NodeInfo> members;  ///< As last told.

 private:
  std::unique_ptr<Session> session_;
};

}  // namespace nodepool::conformance
