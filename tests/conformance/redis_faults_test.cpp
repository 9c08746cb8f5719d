// What only a server can do to a pool: crash, freeze, forget, hang up.

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "conformance/redis_fixture.hpp"

namespace nodepool::conformance {
namespace {

TEST_F(RedisStore, AnEmptyRestartIsNoticedAndPutsThePoolBehindTheBarrier) {
  const auto driver = connect();
  Peer node = peer("a", driver);
  const auto before = settle(node);
  server_.kill();
  server_.forget_data();
  server_.start();
  const auto after = sync_at_last(node);
  EXPECT_GT(after.barrier_left, 0us);
  EXPECT_FALSE(after.settled);
  EXPECT_NE(after.view.lineage, before.view.lineage);
  EXPECT_GT(after.view.epoch, before.view.epoch);
}

TEST_F(RedisStore, ARestartWithOldDataIsNoticedAndPutsThePoolBehindTheBarrier) {
  const auto driver = connect();
  Peer node = peer("a", driver);
  const auto before = settle(node);
  ASSERT_EQ(server_.command({"SAVE"}), "OK\n");
  server_.kill();
  server_.start();
  const auto after = sync_at_last(node);
  EXPECT_GT(after.barrier_left, 0us);
  EXPECT_EQ(after.view.lineage, before.view.lineage);
  EXPECT_GT(after.view.epoch, before.view.epoch);
  EXPECT_TRUE(settle(node).settled);
}

TEST_F(RedisStore, ADeadServerIsUnavailableAtOnce) {
  const auto driver = connect();
  Peer node = peer("a", driver);
  (void)node.sync();
  server_.kill();
  const auto started = BootClock::now();
  for (int attempt = 0; attempt < 5; ++attempt) {
    const auto reply = node.try_sync();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
    EXPECT_NE(reply.error().message.find(std::to_string(server_.port())), std::string::npos);
  }
  EXPECT_LT(BootClock::now() - started, 2s);
}

TEST_F(RedisStore, AFrozenServerIsGivenUpAtTheDeadlineAndUsedAgainLater) {
  const auto driver = connect();
  Peer node = peer("a", driver);
  (void)node.sync();
  server_.freeze();
  SyncRequest request = node.request;
  request.sequence += 1000;
  const auto started = BootClock::now();
  const auto reply = node.session().sync(request, started + 200ms);
  const auto took = BootClock::now() - started;
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::outcome_unknown);
  EXPECT_GE(took, 200ms);
  EXPECT_LT(took, 300ms);
  // The next call needs a new connection, which the kernel takes but nobody greets.
  const auto second = node.session().sync(request, BootClock::now() + 200ms);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_LT(BootClock::now() - started, 600ms);
  server_.thaw();
  node.request.sequence = 2000;
  (void)sync_at_last(node);
}

TEST_F(RedisStore, AFlushedScriptCacheIsFilledAgain) {
  const auto driver = connect();
  Peer node = peer("a", driver);
  (void)node.sync();
  ASSERT_EQ(server_.command({"SCRIPT", "FLUSH"}), "OK\n");
  (void)node.sync();
  (void)node.sync();
  // The digest made by the build is the server's: after the first call each is sent by it.
  const auto calls = server_.command({"INFO", "commandstats"});
  EXPECT_NE(calls.find("cmdstat_eval:calls=2,"), std::string::npos) << calls;
}

TEST_F(RedisStore, KilledConnectionsAreMadeAgainAndMissedHintsAreOwned) {
  const auto driver = connect();
  Peer node = peer("a", driver);
  (void)node.sync();
  ASSERT_TRUE(hears(node, Hint::Kind::unknown));
  ASSERT_EQ(server_.command({"CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal"}), "1\n");
  ASSERT_EQ(server_.command({"CLIENT", "KILL", "SKIPME", "yes", "TYPE", "pubsub"}), "1\n");
  (void)node.sync();
  EXPECT_TRUE(hears(node, Hint::Kind::unknown));
  Peer other = peer("b", driver);
  (void)other.sync();
  EXPECT_TRUE(hears(node, Hint::Kind::view));
}

TEST_F(RedisStore, WaitingWithADeadServerIsQuietAndEndsInTime) {
  const auto driver = connect();
  Peer node = peer("a", driver);
  (void)node.sync();
  ASSERT_TRUE(hears(node, Hint::Kind::unknown));
  server_.kill();
  const auto started = BootClock::now();
  EXPECT_TRUE(node.session().wait(started + 400ms, -1).empty());
  const auto took = BootClock::now() - started;
  EXPECT_GE(took, 400ms);
  EXPECT_LT(took, 600ms);
  server_.start();
  EXPECT_TRUE(hears(node, Hint::Kind::unknown));
}

TEST_F(RedisStore, AFrozenServerDoesNotHoldUpWaiting) {
  const auto driver = connect();
  server_.freeze();
  Peer node = peer("a", driver);
  const int wake = ::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
  const auto started = BootClock::now();
  EXPECT_TRUE(node.session().wait(started + 5s, wake).empty());
  EXPECT_LT(BootClock::now() - started, 500ms);
  ::close(wake);
  server_.thaw();
}

TEST_F(RedisStore, AQuietHeartbeatMovesLittleEvenBesideManyKeys) {
  ASSERT_EQ(server_.command({"DEBUG", "POPULATE", "100000"}).substr(0, 4), "-ERR");  // not allowed by default
  ASSERT_EQ(
      server_.command({"EVAL", "for i=1,100000 do redis.call('SET','other:'..i,i) end return 'OK'", "0"}),
      "OK\n");
  const auto driver = connect();
  Peer node = peer("a", driver);
  node.request.config = long_lease();  // nobody is to be evicted on a slow machine
  std::vector<std::unique_ptr<Peer>> others;
  for (int index = 0; index < 50; ++index) {
    others.push_back(
        std::make_unique<Peer>(*driver, service_, "other" + std::to_string(index), long_lease()));
    (void)others.back()->sync();
  }
  (void)node.sync();
  (void)node.sync();
  const auto bytes_out = [&] {
    const auto info = server_.command({"INFO", "stats"});
    return std::stoll(info.substr(info.find("total_net_output_bytes:") + 23));
  };
  const auto own = bytes_out();
  const auto cost = bytes_out() - own;
  const auto before = bytes_out();
  const auto reply = node.sync();
  const auto moved = bytes_out() - before - cost;
  EXPECT_FALSE(reply.members);
  EXPECT_LT(moved, 1000);
}

TEST_F(RedisStore, OwnHintsAreNotHeardButDrainsAre) {
  const auto driver = connect();
  Peer node = peer("a", driver);
  (void)node.sync();
  ASSERT_TRUE(hears(node, Hint::Kind::unknown));
  node.request.node.weight = 2;
  (void)node.sync();
  ASSERT_TRUE(node.session().request_drain(node.id(), soon()));
  const auto hints = node.session().wait(soon(), -1);
  ASSERT_EQ(hints.size(), 1U);
  EXPECT_EQ(hints[0].kind, Hint::Kind::drain);
}

}  // namespace
}  // namespace nodepool::conformance
