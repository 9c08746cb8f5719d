// What may stand under a pool's keys: parts of a pool, or somebody else's data.

#include <gtest/gtest.h>

#include "conformance/redis_fixture.hpp"

namespace nodepool::conformance {
namespace {

/// A key of the pool.
class RedisStoreWithoutPart : public RedisStore, public testing::WithParamInterface<const char*> {};

TEST_P(RedisStoreWithoutPart, ADeletedKeyPutsThePoolBehindTheBarrierAndNobodyIsLost) {
  const auto driver = connect();
  Peer first = peer("a", driver);
  Peer second = peer("b", driver);
  first.request.held = {"job"};
  ViewStamp before;
  for (bool settled = false; !settled;) {
    settled = first.sync().settled;
    const auto reply = second.sync();
    settled = settled && reply.settled;
    before = reply.view;
  }
  ASSERT_TRUE(first.session().request_drain(second.id(), soon()));
  ASSERT_EQ(server_.command({"DEL", key(GetParam())}), "1\n");
  const auto after = second.sync();
  EXPECT_GT(after.barrier_left, 0us);
  EXPECT_FALSE(after.settled);
  EXPECT_GT(after.view.epoch, before.epoch);
  (void)first.sync();
  (void)second.sync();
  const auto again = first.sync();
  EXPECT_GT(again.view.epoch, after.view.epoch);
  const auto status = second.session().status(soon()).value();
  ASSERT_EQ(status.members.size(), 2U);
  EXPECT_EQ(status.members[0].held, std::vector<std::string>{"job"});
}

INSTANTIATE_TEST_SUITE_P(Parts, RedisStoreWithoutPart,
                         testing::Values("pool", "members", "leases", "seen", "holds", "drains"),
                         [](const auto& each) { return std::string(each.param); });

class RedisStoreWithForeignKey : public RedisStore, public testing::WithParamInterface<const char*> {};

TEST_P(RedisStoreWithForeignKey, AForeignKeyIsReportedAndNothingIsTouched) {
  ASSERT_EQ(server_.command({"SET", key(GetParam()), "somebody else's"}), "OK\n");
  const auto driver = connect();
  Peer node = peer("a", driver);
  const auto reply = node.try_sync();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::store_corrupt) << reply.error().message;
  EXPECT_NE(reply.error().message.find("nodepool:{service}:"), std::string::npos) << reply.error().message;
  EXPECT_EQ(server_.command({"GET", key(GetParam())}), "somebody else's\n");
  EXPECT_EQ(server_.command({"DBSIZE"}), "1\n");
}

INSTANTIATE_TEST_SUITE_P(Parts, RedisStoreWithForeignKey,
                         testing::Values("pool", "members", "leases", "seen", "holds", "drains"),
                         [](const auto& each) { return std::string(each.param); });

TEST_F(RedisStore, AnUnreadablePoolIsReportedAndLeftUntouched) {
  const auto driver = connect();
  Peer node = peer("a", driver);
  (void)node.sync();
  for (const char* field : {"config", "epoch", "clock", "size"}) {
    const auto good = server_.command({"HGET", key("pool"), field});
    (void)server_.command({"HSET", key("pool"), field, "nonsense"});
    const auto reply = node.try_sync();
    ASSERT_FALSE(reply) << field;
    EXPECT_EQ(reply.error().code, ErrorCode::store_corrupt) << reply.error().message;
    EXPECT_EQ(server_.command({"HGET", key("pool"), field}), "nonsense\n");
    (void)server_.command({"HSET", key("pool"), field, good.substr(0, good.size() - 1)});
  }
  (void)node.sync();
  (void)server_.command({"HSET", key("members"), node.id().str(), "no record"});
  node.request.known = {};
  node.request.node.weight = 1;
  const auto status = node.session().status(soon());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::store_corrupt);
}

}  // namespace
}  // namespace nodepool::conformance
