#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conformance/store_contract.hpp"
#include "nodepool/redis.hpp"
#include "support/redis_server.hpp"

namespace nodepool::conformance {

using namespace std::chrono_literals;
using test::RedisServer;

/// Heartbeats until one succeeds; a failure of the test after five seconds.
inline SyncReply sync_at_last(Peer& peer) {
  const auto deadline = BootClock::now() + 5s;
  auto reply = peer.try_sync();
  while (!reply && BootClock::now() < deadline) reply = peer.try_sync();
  EXPECT_TRUE(reply) << reply.error().message;
  return reply.value_or(SyncReply{});
}

/// Waits until such a hint has come; false after five seconds.
inline bool hears(Peer& peer, Hint::Kind kind) {
  const auto deadline = BootClock::now() + 5s;
  while (BootClock::now() < deadline) {
    for (const Hint& hint : peer.session().wait(deadline, -1)) {
      if (hint.kind == kind) return true;
    }
  }
  return false;
}

/// A server that a test may break.
class RedisStore : public testing::Test {
 protected:
  std::shared_ptr<Driver> connect(const std::string& suffix = "") {
    return open_redis(server_.url() + suffix).value();
  }
  Peer peer(const std::string& name, const std::shared_ptr<Driver>& driver) {
    return {*driver, service_, name, short_lease()};
  }
  static SyncReply settle(Peer& peer) {
    return peer.sync_until([](const SyncReply& reply) { return reply.settled; });
  }
  std::string key(const std::string& part) const { return "nodepool:{" + service_.str() + "}:" + part; }

  /// Starts a replica. Returns once it is online and has confirmed a write: until its first word, which takes
  /// up to a second, a replica counts as one that has nothing.
  void start_replica() {
    ASSERT_EQ(server_.command({"CONFIG", "SET", "repl-diskless-sync-delay", "0"}), "OK\n");
    replica_.emplace(std::vector<std::string>{"--replicaof", "127.0.0.1 " + std::to_string(server_.port())});
    const auto deadline = BootClock::now() + 10s;
    while (!replica_follows()) ASSERT_LT(BootClock::now(), deadline);
  }
  bool replica_follows() const {
    (void)server_.command({"SET", "something", "to confirm"});
    const std::string info = server_.command({"INFO", "replication"});
    return info.find("state=online,offset=") != std::string::npos &&
           info.find("state=online,offset=0,") == std::string::npos;
  }

  RedisServer server_;
  std::optional<RedisServer> replica_;
  ServiceName service_{"service"};
};

}  // namespace nodepool::conformance
