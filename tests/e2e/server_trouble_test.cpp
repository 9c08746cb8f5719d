// What the pool does when the server it relies on is in trouble.

#include <gtest/gtest.h>

#include <algorithm>

#include "support/event_stream.hpp"
#include "support/redis_server.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;
using namespace nodepool::cli;
using namespace nodepool::test;

class ServerTrouble : public testing::Test {
 protected:
  [[nodiscard]] PoolScene::Settings settings(bool unmoved_jobs_never_pause) const {
    return {.store = server_.url(),
            .jobs = 12,
            .heartbeat = 500ms,
            .lease = 2500ms,
            .unmoved_jobs_never_pause = unmoved_jobs_never_pause};
  }
  static bool join(PoolScene& scene) {
    return scene.step("three join", [&] {
      for (const char* name : {"a", "b", "c"}) scene.launch(name);
    });
  }
  /// Nobody may run anything: each lost its lease.
  static bool all_fenced(PoolScene& scene) {
    const auto& records = scene.fleet().records();
    return std::all_of(records.begin(), records.end(), [](const NodeRecord& record) {
      const NodeNow now = now_of(record, std::chrono::system_clock::now());
      return now.state == NodeState::suspended && now.jobs.empty();
    });
  }
  RedisServer server_;
};

TEST_F(ServerTrouble, ARestartWithoutDataInterruptsNobody) {
  PoolScene scene(settings(true));
  ASSERT_TRUE(join(scene));
  ASSERT_TRUE(scene.step("the server restarts empty", [&] {
    server_.kill();
    server_.forget_data();
    server_.start();
  }));
  const DemoResult result = scene.judge();
  EXPECT_TRUE(report_named(result, "the server restarts empty").moved.empty());
}

TEST_F(ServerTrouble, AfterAnOutageLongerThanALeaseAllAreSteadyAgainInOneView) {
  PoolScene scene(settings(false));
  ASSERT_TRUE(join(scene));
  server_.kill();
  ASSERT_TRUE(scene.wait_for("every node to fence itself", [&] { return all_fenced(scene); }));
  ASSERT_TRUE(scene.step("the server is back", [&] { server_.start(); }));
  const DemoResult result = scene.judge();
  EXPECT_TRUE(report_named(result, "the server is back").moved.empty()) << "the same nodes, the same owners";
}

TEST_F(ServerTrouble, AServerThatHangsForLongerThanALeaseCountsAsFailed) {
  PoolScene scene(settings(false));
  ASSERT_TRUE(join(scene));
  server_.freeze();
  ASSERT_TRUE(scene.wait_for("every node to fence itself", [&] { return all_fenced(scene); }));
  server_.thaw();
  ASSERT_TRUE(scene.wait_for("every node to be steady again", [&] { return scene.fleet().calm(); }));
  scene.judge();
}

TEST_F(ServerTrouble, ANodeThatCrashesDuringAnOutageIsReplacedAfterIt) {
  PoolScene scene(settings(false));
  ASSERT_TRUE(join(scene));
  server_.kill();
  scene.fleet().crash("b");
  ASSERT_TRUE(scene.step("the server is back without b", [&] { server_.start(); }));
  const DemoResult result = scene.judge();
  EXPECT_FALSE(report_named(result, "the server is back without b").moved.empty());
}

}  // namespace
