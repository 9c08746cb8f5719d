// Replicas that confirm heartbeats, and those that do not.

#include <gtest/gtest.h>

#include <algorithm>

#include "conformance/redis_fixture.hpp"

namespace nodepool::conformance {
namespace {

/// A server with one replica.
class ReplicatedStore : public RedisStore {
 protected:
  void SetUp() override { start_replica(); }
};

TEST_F(ReplicatedStore, AHeartbeatIsConfirmedInOneRoundTrip) {
  const auto driver = connect("?min_replicas=1");
  Peer node = peer("a", driver);
  const auto reply = node.sync();
  EXPECT_FALSE(reply.unconfirmed);
  EXPECT_TRUE(reply.warnings.empty());
  EXPECT_EQ(replica_->command({"HLEN", key("members")}), "1\n");
}

TEST_F(ReplicatedStore, AHeartbeatThatNobodyIsToConfirmIsToldSo) {
  const auto driver = connect();
  Peer node = peer("a", driver);
  const auto reply = node.sync();
  EXPECT_TRUE(reply.unconfirmed);
  ASSERT_EQ(reply.warnings.size(), 1U);
  EXPECT_NE(reply.warnings[0].find("min_replicas=0"), std::string::npos) << reply.warnings[0];
}

TEST_F(ReplicatedStore, AServerWithoutReplicasNeedsNoWarning) {
  RedisServer alone;
  const auto driver = open_redis(alone.url()).value();
  Peer node = peer("a", driver);
  const auto reply = node.sync();
  EXPECT_FALSE(reply.unconfirmed);
  EXPECT_TRUE(reply.warnings.empty());
}

TEST_F(ReplicatedStore, AHeartbeatThatTooFewConfirmRenewsNothing) {
  Peer(*connect(), ServiceName("other"), "a", short_lease()).sync();  // the server knows the script
  const auto driver = connect("?min_replicas=2");
  Peer node = peer("a", driver);
  SyncRequest request = node.request;
  request.sequence = 1;
  request.nonce = "n";
  const auto started = BootClock::now();
  const auto reply = node.session().sync(request, started + 1s);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::outcome_unknown);
  EXPECT_NE(reply.error().message.find("1 of 2 replicas"), std::string::npos) << reply.error().message;
  EXPECT_LT(BootClock::now() - started, 1100ms);
}

TEST_F(ReplicatedStore, AFrozenReplicaConfirmsNothingUntilItIsBack) {
  const auto driver = connect("?min_replicas=1");
  Peer node = peer("a", driver);
  node.request.config = long_lease();
  (void)node.sync();
  replica_->freeze();
  SyncRequest request = node.request;
  request.sequence += 1000;
  const auto reply = node.session().sync(request, BootClock::now() + 300ms);
  EXPECT_FALSE(reply);
  // Whoever leaves needs nobody's word for it.
  request.sequence += 1000;
  request.intent = Intent::leaving;
  EXPECT_TRUE(node.session().sync(request, soon()));
  replica_->thaw();
  node.request.sequence = 5000;
  EXPECT_FALSE(sync_at_last(node).unconfirmed);
}

/// A master that was replaced may settle a view, and free a job, behind its successor's back.
TEST_F(ReplicatedStore, HintsThatGiveRightsAreNotBelievedUnconfirmed) {
  for (const std::string parameters : {"", "?min_replicas=1"}) {
    ASSERT_EQ(server_.command({"FLUSHALL"}), "OK\n");
    const auto driver = connect(parameters);
    Peer one = peer("a", driver);
    Peer other = peer("b", driver);
    one.request.config = other.request.config = middle_lease();
    (void)one.sync();
    ASSERT_TRUE(hears(one, Hint::Kind::unknown));
    (void)other.sync();
    std::vector<Hint> heard;
    const auto deadline = BootClock::now() + 5s;
    const auto is_settled = [](const Hint& hint) { return hint.kind == Hint::Kind::settled; };
    // It is the other one's heartbeat that finds the barrier over and the view settled.
    while (std::ranges::none_of(heard, is_settled) && BootClock::now() < deadline) {
      if (other.sync().barrier_left > 200ms) (void)one.sync();
      for (const Hint& hint : one.session().wait(BootClock::now() + 20ms, -1)) heard.push_back(hint);
    }
    EXPECT_TRUE(std::ranges::any_of(heard, is_settled));
    for (const Hint& hint : heard) {
      const bool gives_rights = hint.kind == Hint::Kind::settled;
      const bool takes_rights = hint.kind == Hint::Kind::view;
      EXPECT_EQ(hint.detail.has_value(), takes_rights || (gives_rights && parameters.empty()));
    }
    (void)one.leave();
    (void)other.leave();
  }
}

TEST_F(ReplicatedStore, NothingIsReadFromAReplica) {
  const auto driver = connect("?min_replicas=1");
  Peer node = peer("a", driver);
  (void)node.sync();
  const auto session = open_redis(replica_->url()).value()->open(service_);
  const auto status = session->status(soon());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::unavailable);
  EXPECT_NE(status.error().message.find("is a replica"), std::string::npos) << status.error().message;
}

TEST_F(ReplicatedStore, TheRightToWaitIsNamedIfItIsMissing) {
  (void)server_.command({"ACL", "SETUSER", "nodes", "on", ">right", "~*", "&*", "+@all", "-wait"});
  const auto driver =
      open_redis(
          RedisOptions{.port = server_.port(), .user = "nodes", .password = "right", .min_replicas = 1})
          .value();
  Peer node = peer("a", driver);
  const auto reply = node.try_sync();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::permission_denied);
  EXPECT_NE(reply.error().message.find("'wait'"), std::string::npos) << reply.error().message;
}

}  // namespace
}  // namespace nodepool::conformance
