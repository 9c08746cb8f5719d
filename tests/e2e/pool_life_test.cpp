// The main job, with real processes on real stores: who runs what, measured from the nodes' own decisions.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "support/event_stream.hpp"
#include "support/process.hpp"
#include "support/redis_server.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::cli;
using namespace nodepool::test;

/// A hand-over waits for nobody's next heartbeat, a take-over for the end of the lease and no longer: how
/// many milliseconds that is, the table shows and a benchmark measures; here a busy machine is given a
/// heartbeat.
constexpr double kPromptMs = 1000.0;
constexpr double kTakeOverMs = 4000.0 + kPromptMs;

/// What a busy machine adds: a hand-over takes some four turns of some process, and each may wait for as long
/// as the nodes have waited between two checks that should be a millisecond apart.
double machine_stall_ms(const DemoResult& result) {
  return 4 * std::chrono::duration<double, std::milli>(result.longest_check).count();
}

enum class Kind { redis, sqlite };

/// A store of this test's own.
struct OwnStore {
  explicit OwnStore(Kind kind) : server(kind == Kind::redis ? std::make_unique<RedisServer>() : nullptr) {}
  [[nodiscard]] std::string url() const {
    return server ? server->url() : "sqlite:" + folder.path() + "/pool.db";
  }
  TemporaryFolder folder;
  std::unique_ptr<RedisServer> server;
};

class Nodes : public testing::TestWithParam<Kind> {
 protected:
  OwnStore store_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(On, Nodes, testing::Values(Kind::redis, Kind::sqlite),
                         [](const auto& each) { return each.param == Kind::redis ? "Redis" : "Sqlite"; });

/// Jobs are moved, and none of them pauses for longer than `limit_ms` on a machine that does not stall.
void expect_moves(const DemoResult& result, const std::string& step, double limit_ms) {
  const HappeningReport report = report_named(result, step);
  EXPECT_FALSE(report.moved.empty()) << step;
  EXPECT_FALSE(report.unmoved.empty()) << step;
  EXPECT_LE(longest_move_ms(report), limit_ms + machine_stall_ms(result)) << step;
}

TEST_P(Nodes, KeepTheirPromisesThroughJoinLeaveCrashAndFreeze) {
  PoolScene scene({.store = store_.url()});
  ASSERT_TRUE(scene.step("four join", [&] {
    for (const char* name : {"a", "b", "c", "d"}) scene.launch(name);
  }));
  ASSERT_TRUE(scene.step("e joins", [&] { scene.launch("e"); }));
  ASSERT_TRUE(scene.step("a leaves", [&] { scene.fleet().ask_to_leave("a"); }));
  ASSERT_TRUE(scene.step("b crashes", [&] { scene.fleet().crash("b"); }));
  ASSERT_TRUE(scene.step("c freezes", [&] { scene.fleet().freeze("c"); }));
  ASSERT_TRUE(scene.step("c wakes", [&] { scene.fleet().thaw("c"); }));
  const DemoResult result = scene.judge();
  expect_moves(result, "e joins", kPromptMs);
  expect_moves(result, "a leaves", kPromptMs);
  expect_moves(result, "b crashes", kTakeOverMs);
  expect_moves(result, "c freezes", kTakeOverMs);
  expect_moves(result, "c wakes", kPromptMs);
}

TEST_P(Nodes, AFrozenNodeToldWhyItsJobsWereTaken) {
  using namespace std::chrono_literals;
  PoolScene scene({.store = store_.url(), .heartbeat = 300ms, .lease = 1500ms});
  ASSERT_TRUE(scene.step("two join", [&] {
    scene.launch("a");
    scene.launch("b");
  }));
  ASSERT_TRUE(scene.step("a freezes", [&] { scene.fleet().freeze("a"); }));
  ASSERT_TRUE(scene.step("a wakes", [&] { scene.fleet().thaw("a"); }));
  scene.judge();
  int lost = 0;
  for (const Event& event : scene.fleet().record("a")->events) {
    const auto* revoked = std::get_if<RevokedEvent>(&event);
    if (revoked == nullptr || revoked->reason != RevokeReason::lease_lost) continue;
    ++lost;
    EXPECT_GT(revoked->at - revoked->last, 1s) << "the last yes was before the freeze";
  }
  EXPECT_GT(lost, 0);
}

TEST_P(Nodes, TheSameNameAgainGetsTheSameJobsAgain) {
  using namespace std::chrono_literals;
  PoolScene scene({.store = store_.url(), .heartbeat = 300ms, .lease = 1500ms});
  ASSERT_TRUE(scene.step("two join", [&] {
    scene.launch("a");
    scene.launch("b");
  }));
  const auto jobs_of_a = [&] {
    return now_of(*scene.fleet().record("a"), std::chrono::system_clock::now()).jobs;
  };
  const auto first_jobs = jobs_of_a();
  EXPECT_FALSE(first_jobs.empty());
  ASSERT_TRUE(scene.step("a leaves", [&] { scene.fleet().ask_to_leave("a"); }));
  ASSERT_TRUE(
      scene.wait_for("the end of a", [&] { return scene.fleet().find("a")->process.exit_code() == 0; }));
  ASSERT_TRUE(scene.step("a is back", [&] { scene.launch("a"); }));
  EXPECT_EQ(jobs_of_a(), first_jobs);
  scene.judge();
}

TEST_P(Nodes, OfTwoServicesDoNotMeet) {
  using namespace std::chrono_literals;
  PoolScene red({.store = store_.url(), .service = "red", .jobs = 6, .heartbeat = 300ms, .lease = 1500ms});
  PoolScene blue({.store = store_.url(), .service = "blue", .jobs = 6, .heartbeat = 300ms, .lease = 1500ms});
  ASSERT_TRUE(red.step("red joins", [&] { red.launch("a"); }));
  ASSERT_TRUE(blue.step("blue joins", [&] { blue.launch("a"); }));
  const auto now = std::chrono::system_clock::now();
  EXPECT_EQ(now_of(*red.fleet().record("a"), now).jobs.size(), 6U);
  EXPECT_EQ(now_of(*blue.fleet().record("a"), now).jobs.size(), 6U);
  blue.judge();
  EXPECT_TRUE(red.fleet().calm()) << "the end of one service is nothing to the other";
  red.judge();
}

}  // namespace
