// What a server refuses, and what the user is told.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <thread>

#include "conformance/redis_fixture.hpp"

namespace nodepool::conformance {
namespace {

/// What must stand in no message, in no form.
constexpr std::string_view kSecret = "hunter-two";

void expect_denied(const Result<SyncReply>& reply) {
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::permission_denied) << reply.error().message;
  EXPECT_EQ(reply.error().message.find(kSecret), std::string::npos) << reply.error().message;
}

TEST_F(RedisStore, AWrongOrMissingPasswordIsRefusedWithoutShowingIt) {
  (void)server_.command({"ACL", "SETUSER", "nodes", "on", ">right", "~*", "&*", "+@all"});
  for (const std::string user : {"", "nodes", "nobody"}) {
    RedisOptions options{.port = server_.port(), .user = user, .password = std::string(kSecret)};
    const auto driver = open_redis(options).value();
    EXPECT_EQ(driver->describe().find(kSecret), std::string::npos);
    Peer node = peer("a", driver);
    expect_denied(node.try_sync());
  }
}

TEST(RedisServerWithPassword, RefusesWhoeverComesWithoutIt) {
  RedisServer server({"--requirepass", "right"});
  const auto driver = open_redis(server.url()).value();
  Peer node(*driver, ServiceName("service"), "a", short_lease());
  expect_denied(node.try_sync());
}

TEST_F(RedisStore, AMissingRightIsNamedAndNothingIsChanged) {
  struct Case {
    const char* taken;
    const char* named;
  };
  for (const auto& [taken, named] :
       {Case{"-evalsha", "evalsha"}, Case{"-hmget", "hmget"}, Case{"-publish", "publish"},
        Case{"-info", "info"}, Case{"resetchannels", "channel"}, Case{"resetkeys", "nodepool"}}) {
    (void)server_.command({"ACL", "SETUSER", "nodes", "reset", "on", ">right", "~*", "&*", "+@all", taken});
    const auto driver =
        open_redis(RedisOptions{.port = server_.port(), .user = "nodes", .password = "right"}).value();
    Peer node = peer("a", driver);
    const auto reply = node.try_sync();
    ASSERT_FALSE(reply) << taken;
    EXPECT_EQ(reply.error().code, ErrorCode::permission_denied) << reply.error().message;
    std::string message = reply.error().message;
    std::ranges::transform(message, message.begin(), [](unsigned char byte) { return std::tolower(byte); });
    EXPECT_NE(message.find(named), std::string::npos) << message;
    EXPECT_EQ(server_.command({"DBSIZE"}), "0\n") << taken;
  }
}

TEST_F(RedisStore, ANodeWithoutRightsDoesNotDisturbTheOthers) {
  const auto driver = connect();
  Peer other = peer("other", driver);
  (void)settle(other);
  (void)hears(other, Hint::Kind::unknown);  // that it listens now
  (void)server_.command({"ACL", "SETUSER", "nodes", "reset", "on", ">right", "~*", "&*", "+@all", "-hmget"});
  const auto denied =
      open_redis(RedisOptions{.port = server_.port(), .user = "nodes", .password = "right"}).value();
  Peer node = peer("a", denied);
  for (int count = 0; count < 3; ++count) expect_denied(node.try_sync());
  EXPECT_TRUE(other.session().wait(BootClock::now() + 100ms, -1).empty());
  EXPECT_EQ(server_.command({"EXISTS", key("pool")}), "1\n");
}

TEST_F(RedisStore, WhoMayNotListenIsToldSo) {
  (void)server_.command({"ACL", "SETUSER", "nodes", "on", ">right", "~*", "&*", "+@all", "-subscribe"});
  const auto driver =
      open_redis(RedisOptions{.port = server_.port(), .user = "nodes", .password = "right"}).value();
  Peer node = peer("a", driver);
  (void)node.sync();
  EXPECT_TRUE(node.session().wait(BootClock::now() + 300ms, -1).empty());
  expect_denied(node.try_sync());
}

TEST_F(RedisStore, AMissingDatabaseIsUnsupported) {
  const auto driver = connect("/99");
  Peer node = peer("a", driver);
  const auto reply = node.try_sync();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unsupported) << reply.error().message;
}

TEST_F(RedisStore, AFullServerIsUnavailableWithTheReason) {
  const auto driver = connect();
  Peer node = peer("a", driver);
  (void)node.sync();
  (void)server_.command({"CONFIG", "SET", "maxmemory", "1"});
  const auto reply = node.try_sync();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable) << reply.error().message;
  EXPECT_NE(reply.error().message.find("maxmemory"), std::string::npos) << reply.error().message;
}

TEST_F(RedisStore, AReplicaIsUnavailableWithTheReason) {
  RedisServer replica({"--replicaof", "127.0.0.1 " + std::to_string(server_.port())});
  const auto driver = open_redis(replica.url()).value();
  Peer node = peer("a", driver);
  const auto reply = node.try_sync();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable) << reply.error().message;
  EXPECT_NE(reply.error().message.find("replica"), std::string::npos) << reply.error().message;
}

TEST_F(RedisStore, AScriptThatHangsMakesTheServerUnavailable) {
  const auto driver = connect();
  Peer node = peer("a", driver);
  (void)node.sync();
  (void)server_.command({"CONFIG", "SET", "busy-reply-threshold", "1"});
  std::jthread hanging([&] { (void)server_.command({"EVAL", "while true do end", "0"}); });
  const auto busy = [&] { return server_.command({"GET", "x"}).starts_with("-BUSY"); };
  while (!busy()) std::this_thread::yield();
  const auto reply = node.try_sync();
  EXPECT_EQ(server_.command({"SCRIPT", "KILL"}), "OK\n");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable) << reply.error().message;
}

}  // namespace
}  // namespace nodepool::conformance
