// What a Sentinel refuses or does not know, and what the user is told.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "conformance/redis_fixture.hpp"

namespace nodepool::conformance {
namespace {

/// One server and one Sentinel.
class SentinelStore : public RedisStore {
 protected:
  SentinelStore()
      : sentinel_(RedisServer::SentinelFile{
            fmt::format("sentinel monitor main 127.0.0.1 {} 1\n", server_.port())}) {}

  std::string hosts() const { return "127.0.0.1:" + std::to_string(sentinel_.port()); }
  /// The next heartbeat's error; one without a message if there is none.
  Error error_at(const std::string& url) {
    const auto driver = open_redis(url).value();
    Peer node = peer("a", driver);
    const auto reply = node.try_sync();
    EXPECT_FALSE(reply);
    return reply ? Error{} : reply.error();
  }

  RedisServer sentinel_;
};

class SentinelWithUsers : public SentinelStore {
 protected:
  void SetUp() override {
    grant("nodes", {"&+switch-master", "+sentinel|get-master-addr-by-name", "+subscribe", "+ping", "+info"});
    grant("deaf", {"+sentinel|get-master-addr-by-name", "+ping", "+info"});
    grant("nobody", {"+ping", "+info"});
  }
  void grant(const std::string& user, const std::vector<std::string>& rights) {
    std::vector<std::string> command{"ACL", "SETUSER", user, "on", ">hunter-two", "resetchannels"};
    command.insert(command.end(), rights.begin(), rights.end());
    ASSERT_EQ(sentinel_.command(command), "OK\n");
  }
};

TEST_F(SentinelStore, LeadsToItsMaster) {
  const auto driver = open_redis("redis+sentinel://" + hosts() + "/main").value();
  Peer node = peer("a", driver);
  const auto reply = node.sync();
  EXPECT_TRUE(reply.unconfirmed);
  EXPECT_EQ(server_.command({"HLEN", key("members")}), "1\n");
}

TEST_F(SentinelStore, AnUnknownNameIsNamed) {
  const Error error = error_at("redis+sentinel://" + hosts() + "/mian");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_NE(error.message.find("'mian'"), std::string::npos) << error.message;
}

TEST_F(SentinelStore, IfNoneAnswersAllAreNamed) {
  sentinel_.kill();
  const Error error = error_at("redis+sentinel://127.0.0.1:1," + hosts() + "/main");
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  for (const std::string& named : {std::string("127.0.0.1:1/"), hosts(), std::string("'main'")}) {
    EXPECT_NE(error.message.find(named), std::string::npos) << error.message;
  }
}

TEST_F(SentinelStore, OneThatIsAwayIsPassedOver) {
  const auto driver = open_redis("redis+sentinel://127.0.0.1:1," + hosts() + "/main").value();
  Peer node = peer("a", driver);
  (void)node.sync();
}

/// It may be cut off together with the master that it goes on naming.
TEST_F(SentinelStore, OneWhoseMasterDoesNotDoIsAskedLast) {
  RedisServer old_master;
  RedisServer lonely(
      RedisServer::SentinelFile{fmt::format("sentinel monitor main 127.0.0.1 {} 1\n", old_master.port())});
  const auto driver =
      open_redis(fmt::format("redis+sentinel://127.0.0.1:{},{}/main", lonely.port(), hosts())).value();
  Peer node = peer("a", driver);
  (void)node.sync();
  ASSERT_EQ(server_.command({"DBSIZE"}), "0\n");
  old_master.kill();
  (void)sync_at_last(node);
  EXPECT_EQ(server_.command({"HLEN", key("members")}), "1\n");
}

/// What is published while nobody listens to a Sentinel is lost.
TEST_F(SentinelStore, AMasterThatWasReplacedUnheardIsFoundWhenListeningBegins) {
  const auto driver = open_redis("redis+sentinel://" + hosts() + "/main").value();
  Peer node = peer("a", driver);
  (void)node.sync();
  RedisServer successor;
  for (const char* order : {"REMOVE", "MONITOR"}) {
    std::vector<std::string> command{"SENTINEL", order, "main"};
    if (command[1] == "MONITOR")
      command.insert(command.end(), {"127.0.0.1", std::to_string(successor.port()), "1"});
    ASSERT_EQ(sentinel_.command(command), "OK\n");
  }
  const auto deadline = BootClock::now() + 5s;
  while (successor.command({"DBSIZE"}) == "0\n" && BootClock::now() < deadline) {
    (void)node.session().wait(BootClock::now() + 100ms, -1);
    (void)node.try_sync();
  }
  EXPECT_NE(successor.command({"DBSIZE"}), "0\n");
}

TEST_F(SentinelStore, AServerThatIsNoSentinelIsToldSo) {
  const Error error = error_at("redis+sentinel://127.0.0.1:" + std::to_string(server_.port()) + "/main");
  EXPECT_EQ(error.code, ErrorCode::unsupported) << error.message;
}

TEST_F(SentinelStore, AServerThatIsNoClusterIsToldSo) {
  const Error error = error_at("redis+cluster://127.0.0.1:" + std::to_string(server_.port()));
  EXPECT_EQ(error.code, ErrorCode::unsupported);
  EXPECT_NE(error.message.find("use redis://"), std::string::npos) << error.message;
}

TEST_F(SentinelWithUsers, HasUsersOfItsOwn) {
  const auto url = [&](const std::string& user) {
    return "redis+sentinel://" + hosts() + "/main?sentinel_user=" + user + "&sentinel_password=hunter-two";
  };
  const auto driver = open_redis(url("nodes")).value();
  Peer node = peer("a", driver);
  (void)node.sync();
  (void)node.session().wait(BootClock::now() + 200ms, -1);
  EXPECT_EQ(node.sync().warnings.size(), 1U);  // of the replicas that nobody asks
  const Error error = error_at(url("nobody"));
  EXPECT_EQ(error.code, ErrorCode::permission_denied);
  EXPECT_NE(error.message.find("sentinel_user"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("+sentinel|get-master-addr-by-name"), std::string::npos) << error.message;
  for (const std::string bad : {"nodes&sentinel_password=hunter-2", "wrong"}) {
    const Error refused = error_at(url("") + "&sentinel_user=" + bad);
    EXPECT_EQ(refused.code, ErrorCode::permission_denied) << refused.message;
    EXPECT_EQ(refused.message.find("hunter"), std::string::npos) << refused.message;
  }
}

TEST_F(SentinelWithUsers, WhoMayNotListenHearsOfFailoversLate) {
  const auto driver =
      open_redis("redis+sentinel://" + hosts() + "/main?sentinel_user=deaf&sentinel_password=hunter-two")
          .value();
  Peer node = peer("a", driver);
  const auto warned = node.sync_until([&](const SyncReply& reply) {
    (void)node.session().wait(BootClock::now() + 50ms, -1);
    return reply.warnings.size() == 2;
  });
  EXPECT_NE(warned.warnings.back().find("&+switch-master"), std::string::npos) << warned.warnings.back();
}

}  // namespace
}  // namespace nodepool::conformance
