// The gate itself: what it does to a real connection.

#include "support/tcp_gate.hpp"

#include <gtest/gtest.h>

#include <array>

#include "driver/redis/resp_codec.hpp"
#include "driver/redis/transport.hpp"
#include "support/pools.hpp"
#include "support/redis_server.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;
using namespace nodepool::test;

class Gate : public testing::Test {
 protected:
  [[nodiscard]] Result<redis::Transport> connect() const {
    const redis::Endpoint endpoint{.host = "127.0.0.1", .port = gate_.port()};
    const auto deadline = BootClock::now() + 2s;
    redis::Resolver resolver;
    return redis::Transport::connect(*resolver.resolve(endpoint, deadline), deadline);
  }
  static void send(redis::Transport& line, const std::vector<std::string>& command) {
    ASSERT_TRUE(line.send(redis::encode_command(command), BootClock::now() + 1s));
  }
  /// What has come by then; empty if nothing.
  static std::string receive(redis::Transport& line, std::chrono::milliseconds patience = 5s) {
    std::array<char, 1000> buffer{};
    const auto size = line.receive(buffer, BootClock::now() + patience);
    return size ? std::string(buffer.data(), *size) : std::string();
  }
  [[nodiscard]] bool becomes(const std::string& value) const {
    return eventually([&] { return server_.command({"GET", "count"}) == value + "\n"; }, 5s);
  }

  RedisServer server_;
  TcpGate gate_{server_.port()};
};

TEST_F(Gate, LetsEverythingThrough) {
  auto line = connect();
  ASSERT_TRUE(line);
  send(*line, {"INCR", "count"});
  EXPECT_EQ(receive(*line), ":1\r\n");
}

TEST_F(Gate, KeepsRequestsBackUntilItIsHealedEvenThoseOfAClientThatHasGone) {
  auto line = connect();
  ASSERT_TRUE(line);
  send(*line, {"PING"});
  EXPECT_EQ(receive(*line), "+PONG\r\n");
  gate_.set({.requests_pass = false});
  send(*line, {"INCR", "count"});
  EXPECT_EQ(receive(*line, 200ms), "");
  EXPECT_EQ(server_.command({"GET", "count"}), "(nil)\n");
  line->close();
  gate_.set({});
  EXPECT_TRUE(becomes("1"));
}

TEST_F(Gate, KeepsRepliesBackWhileTheServerActs) {
  auto line = connect();
  ASSERT_TRUE(line);
  gate_.set({.replies_pass = false});
  send(*line, {"INCR", "count"});
  EXPECT_TRUE(becomes("1"));
  EXPECT_EQ(receive(*line, 200ms), "");
  gate_.set({});
  EXPECT_EQ(receive(*line), ":1\r\n");
}

TEST_F(Gate, DelaysEachWay) {
  gate_.set({.delay = 100ms});
  auto line = connect();
  ASSERT_TRUE(line);
  const auto sent = BootClock::now();
  send(*line, {"PING"});
  EXPECT_EQ(receive(*line), "+PONG\r\n");
  EXPECT_GE(BootClock::now() - sent, 200ms);
}

TEST_F(Gate, RefusesAndAcceptsAgain) {
  gate_.set({.accepts = false});
  EXPECT_TRUE(eventually([&] { return !connect(); }, 5s));
  gate_.set({});
  EXPECT_TRUE(eventually([&] { return connect().has_value(); }, 5s));
}

TEST_F(Gate, ResetsConnectionsAndLeadsElsewhere) {
  RedisServer other;
  auto line = connect();
  ASSERT_TRUE(line);
  send(*line, {"PING"});
  EXPECT_EQ(receive(*line), "+PONG\r\n");
  gate_.lead_to(other.port());
  EXPECT_EQ(receive(*line), "") << "it has ended";
  auto another = connect();
  ASSERT_TRUE(another);
  send(*another, {"INCR", "count"});
  EXPECT_EQ(receive(*another), ":1\r\n");
  EXPECT_EQ(other.command({"GET", "count"}), "1\n");
  EXPECT_EQ(server_.command({"GET", "count"}), "(nil)\n");
}

}  // namespace
