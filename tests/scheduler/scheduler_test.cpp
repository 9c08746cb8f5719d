// One node, or a few in one process, with real pools on the store in memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "scheduler/fleet.hpp"

namespace nodepool::cron {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::Pair;

constexpr const char* kEachSecond = "* * * * * *";
constexpr const char* kNever = "0 0 30 2 *";

class SchedulerTest : public testing::Test {
 protected:
  std::shared_ptr<Driver> driver_ = open_memory();
  Diary diary_;
  [[nodiscard]] std::vector<HistoryEntry> history(Node& node, const std::string& job) {
    return node.scheduler().history(job, 100).value_or(std::vector<HistoryEntry>{});
  }
  [[nodiscard]] bool comes(Node& node, const std::string& job, Outcome outcome) {
    return eventually([&] {
      for (const HistoryEntry& entry : history(node, job)) {
        if (entry.outcome == outcome) return true;
      }
      return false;
    });
  }
};

TEST_F(SchedulerTest, RunsEachInstantOnceAndTellsOfIt) {
  Node node(driver_, "a");
  node.add(diary_, "tick", kEachSecond, {}, [](JobRun& run) { run.note("all is well"); });
  node.start();
  EXPECT_TRUE(eventually([&] { return history(node, "tick").size() >= 3; }));
  node.stop();
  EXPECT_THAT(diary_.runs("tick"), Each(Pair(testing::_, 1)));
  const auto entries = history(node, "tick");
  ASSERT_GE(entries.size(), 3U);
  EXPECT_EQ(entries[0].scheduled - entries[1].scheduled, 1s) << "newest first";
  for (const HistoryEntry& entry : entries) {
    EXPECT_EQ(entry.outcome, Outcome::succeeded);
    EXPECT_EQ(entry.detail, "all is well");
    EXPECT_EQ(entry.node, "a");
    EXPECT_LT(*entry.started - entry.scheduled, 2s);
  }
  EXPECT_EQ(node.scheduler().stats().succeeded, diary_.size());
}

TEST_F(SchedulerTest, ThreeNodesShareTheJobsAndRunEachInstantOnce) {
  std::vector<std::unique_ptr<Node>> nodes;
  for (const char* name : {"a", "b", "c"}) {
    nodes.push_back(std::make_unique<Node>(driver_, name));
    for (int job = 0; job < 30; ++job) nodes.back()->add(diary_, std::to_string(job), kEachSecond);
  }
  for (const auto& node : nodes) node->start();
  EXPECT_TRUE(eventually([&] { return diary_.size() >= 120; }));
  // A node leaves, and another one comes.
  nodes[1]->stop();
  nodes[1] = std::make_unique<Node>(driver_, "d");
  for (int job = 0; job < 30; ++job) nodes[1]->add(diary_, std::to_string(job), kEachSecond);
  nodes[1]->start();
  const std::size_t before = diary_.size();
  EXPECT_TRUE(eventually([&] { return diary_.size() >= before + 120; }));
  for (const auto& node : nodes) node->stop();
  std::map<std::string, int> by_node;
  for (const Diary::Line& line : diary_.lines()) ++by_node[line.node];
  EXPECT_EQ(by_node.size(), 4U);
  for (int job = 0; job < 30; ++job) {
    const auto runs = diary_.runs(std::to_string(job));
    WallTime last{};
    for (const auto& [instant, times] : runs) {
      if (times == 0) continue;
      EXPECT_EQ(times, 1);
      if (last != WallTime{}) {
        EXPECT_EQ(instant - last, 1s) << "none is lost where a job moves";
      }
      last = instant;
    }
  }
}

TEST_F(SchedulerTest, AFailureAndAnExceptionAreToldAndRepeated) {
  Node node(driver_, "a");
  node.add(diary_, "fails", kNever, {.retries = 2, .retry_delay = 10ms}, [](JobRun& run) {
    if (run.attempt() == 1) run.fail("no disk");
    if (run.attempt() == 2) throw std::runtime_error("no luck");
  });
  node.start();
  ASSERT_TRUE(eventually([&] { return node.scheduler().run_now("fails").has_value(); }));
  EXPECT_TRUE(eventually([&] { return history(node, "fails").size() == 3; }));
  const auto entries = history(node, "fails");
  EXPECT_EQ(entries[0].outcome, Outcome::succeeded);
  EXPECT_EQ(entries[0].attempt, 3U);
  EXPECT_EQ(entries[1].detail, "no luck");
  EXPECT_EQ(entries[2].detail, "no disk");
  EXPECT_EQ(entries[2].outcome, Outcome::failed);
  node.stop();
  EXPECT_EQ(diary_.size(), 3U);
}

TEST_F(SchedulerTest, ARunThatTakesTooLongIsToldToStop) {
  Node node(driver_, "a");
  node.add(diary_, "slow", kNever, {.timeout = 50ms}, wait_for_stop);
  node.start();
  ASSERT_TRUE(eventually([&] { return node.scheduler().run_now("slow").has_value(); }));
  EXPECT_TRUE(comes(node, "slow", Outcome::timed_out));
  node.stop();
}

TEST_F(SchedulerTest, WhatOverlapsIsSkippedUnlessItMay) {
  Node node(driver_, "a");
  node.add(diary_, "forbid", kEachSecond, {}, wait_for_stop);
  node.add(diary_, "allow", kEachSecond, {.overlap = Overlap::allow}, wait_for_stop);
  node.start();
  EXPECT_TRUE(comes(node, "forbid", Outcome::overlapped));
  EXPECT_TRUE(eventually([&] { return node.scheduler().list()[0].running >= 3; }));
  node.stop(0ms);
  std::size_t forbidden = 0;
  for (const Diary::Line& line : diary_.lines()) forbidden += line.job == "forbid" ? 1U : 0U;
  EXPECT_EQ(forbidden, 1U);
  EXPECT_EQ(history(node, "forbid")[0].outcome, Outcome::stopped);
}

TEST_F(SchedulerTest, StopWaitsForRunsAndStartsNothingMore) {
  Node node(driver_, "a");
  std::atomic<bool> is_over = false;
  std::atomic<bool> may_end = false;
  node.add(diary_, "long", kNever, {}, [&](JobRun& run) {
    while (!may_end && !run.stop_token().stop_requested()) std::this_thread::sleep_for(1ms);
    is_over = true;
  });
  node.start();
  ASSERT_TRUE(eventually([&] { return node.scheduler().run_now("long").has_value(); }));
  ASSERT_TRUE(eventually([&] { return diary_.size() == 1; }));
  std::jthread stopping([&] { node.scheduler().stop(20s); });
  may_end = true;
  stopping.join();
  EXPECT_TRUE(is_over);
  EXPECT_EQ(history(node, "long")[0].outcome, Outcome::succeeded);
  EXPECT_EQ(node.scheduler().start().error().code, ErrorCode::wrong_state);
  node.pool().stop();
}

TEST_F(SchedulerTest, APausedJobRestsOnAllNodesAndMissesNothing) {
  Node a(driver_, "a");
  Node b(driver_, "b");
  for (Node* node : {&a, &b}) {
    node->add(diary_, "tick", kEachSecond);
    node->start();
  }
  ASSERT_TRUE(eventually([&] { return diary_.size() >= 1; }));
  ASSERT_TRUE(eventually([&] { return b.scheduler().pause("tick").has_value(); }));
  ASSERT_TRUE(
      eventually([&] { return a.scheduler().list()[0].is_paused || b.scheduler().list()[0].is_paused; }));
  const std::size_t before = diary_.size();
  ASSERT_TRUE(b.scheduler().run_now("tick"));
  EXPECT_TRUE(eventually([&] { return diary_.size() == before + 1; })) << "by hand it runs all the same";
  const WallTime pause = std::chrono::system_clock::now();
  EXPECT_TRUE(eventually([&] { return std::chrono::system_clock::now() > pause + 2500ms; }));
  EXPECT_EQ(diary_.size(), before + 1);
  ASSERT_TRUE(a.scheduler().resume("tick"));
  EXPECT_TRUE(eventually([&] { return diary_.size() >= before + 3; }));
  a.stop();
  b.stop();
  for (const HistoryEntry& entry : history(a, "tick")) EXPECT_NE(entry.outcome, Outcome::missed);
}

TEST_F(SchedulerTest, JobsComeGoAndChangeWhileItRuns) {
  Node node(driver_, "a");
  node.start();
  node.add(diary_, "first", kEachSecond);
  node.add(diary_, "long", kNever, {}, wait_for_stop);
  ASSERT_TRUE(eventually([&] { return diary_.size() >= 1; }));
  ASSERT_TRUE(eventually([&] { return node.scheduler().run_now("long").has_value(); }));
  ASSERT_TRUE(eventually([&] { return node.scheduler().list()[1].running == 1; }));
  const auto second = Schedule::parse(kEachSecond).value();
  ASSERT_TRUE(
      node.scheduler().replace({{"second", second, [&](JobRun& run) { diary_.write("a", run); }, {}}}));
  EXPECT_TRUE(
      eventually([&] { return !diary_.runs("second").empty() && diary_.lines().back().job == "second"; }));
  const auto jobs = node.scheduler().list();
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs[0].name, "second");
  EXPECT_EQ(node.scheduler().remove("first").error().code, ErrorCode::not_found);
  EXPECT_EQ(node.scheduler()
                .replace({{"x", second, [](JobRun&) {}, {}}, {"x", second, [](JobRun&) {}, {}}})
                .error()
                .code,
            ErrorCode::invalid_argument);
  EXPECT_EQ(node.scheduler().list().size(), 1U) << "all or none";
  // Gone and back again within a moment.
  ASSERT_TRUE(node.scheduler().remove("second"));
  node.add(diary_, "second", kEachSecond);
  const std::size_t before = diary_.size();
  EXPECT_TRUE(eventually([&] { return diary_.size() > before; }));
  node.stop(0ms);
  EXPECT_EQ(history(node, "long")[0].outcome, Outcome::stopped) << "what was removed was left to run";
}

TEST_F(SchedulerTest, AJobIsRunAmongTheNodesThatHaveIt) {
  std::vector<std::unique_ptr<Node>> nodes;
  for (const char* name : {"a", "b", "c", "d"}) nodes.push_back(std::make_unique<Node>(driver_, name));
  for (const auto& node : nodes) node->add(diary_, "old", kEachSecond);
  for (int job = 0; job < 20; ++job) nodes[0]->add(diary_, "new" + std::to_string(job), kEachSecond);
  for (const auto& node : nodes) node->start();
  const auto ran = [&] {
    std::map<std::string, std::set<std::string>> nodes_of;
    for (const Diary::Line& line : diary_.lines()) nodes_of[line.job].insert(line.node);
    return nodes_of;
  };
  EXPECT_TRUE(eventually([&] { return ran().size() == 21; })) << "a job that only one of four has";
  for (const auto& node : nodes) node->stop();
  for (const auto& [job, by] : ran()) {
    if (job != "old") {
      EXPECT_EQ(by, std::set<std::string>{"a"});
    }
    EXPECT_THAT(diary_.runs(job), Each(Pair(testing::_, testing::Le(1))));
  }
}

TEST_F(SchedulerTest, TheNextNodeCatchesUpOnWhatNobodyRan) {
  {
    Node first(driver_, "a");
    first.add(diary_, "tick", kEachSecond, {.missed = Missed::all, .on_time = 100ms});
    first.start();
    ASSERT_TRUE(eventually([&] { return diary_.size() >= 1; }));
    first.stop();
  }
  const WallTime silence = std::chrono::system_clock::now();
  ASSERT_TRUE(eventually([&] { return std::chrono::system_clock::now() > silence + 3s; }));
  Node second(driver_, "b");
  second.add(diary_, "tick", kEachSecond, {.missed = Missed::all, .on_time = 100ms});
  second.start();
  const std::size_t before = diary_.size();
  EXPECT_TRUE(eventually([&] { return diary_.size() >= before + 5; }));
  second.stop();
  WallTime last{};
  for (const auto& [instant, times] : diary_.runs("tick")) {
    EXPECT_EQ(times, 1);
    if (last != WallTime{}) {
      EXPECT_EQ(instant - last, 1s);
    }
    last = instant;
  }
}

TEST_F(SchedulerTest, WhatIsWrongIsNamed) {
  Node node(driver_, "a");
  Scheduler& scheduler = node.scheduler();
  const auto schedule = Schedule::parse(kNever).value();
  const auto message = [&](JobSpec job) { return scheduler.add(std::move(job)).error().message; };
  EXPECT_THAT(message({"", schedule, [](JobRun&) {}}), HasSubstr("job name"));
  EXPECT_THAT(message({"@nodepool/x", schedule, [](JobRun&) {}}), HasSubstr("choose another"));
  EXPECT_THAT(message({"x", schedule, {}}), HasSubstr("no function"));
  EXPECT_THAT(message({"x", schedule, [](JobRun&) {}, {.retries = 1000}}),
              HasSubstr("job x: retries is 1000"));
  ASSERT_TRUE(scheduler.add({"x", schedule, [](JobRun&) {}}));
  EXPECT_THAT(message({"x", schedule, [](JobRun&) {}}), HasSubstr("already"));
  EXPECT_FALSE(scheduler.add("y", schedule, std::shared_ptr<Task>()));
  EXPECT_EQ(scheduler.run_now("z").error().code, ErrorCode::not_found);
  const auto checked = validate(SchedulerOptions{.most_runs = 0, .notice = 1ms});
  EXPECT_THAT(checked.error().message, HasSubstr("most_runs is 0, it must be 1 to 10000; notice is 1 ms"));
}

TEST_F(SchedulerTest, WrappersAndListenersSeeEveryRun) {
  std::vector<std::string> order;
  std::mutex mutex;
  const auto wrapper = [&](const std::string& name) {
    return [&, name](JobFunction inner) -> JobFunction {
      return [&, name, inner = std::move(inner)](JobRun& run) {
        {
          const std::lock_guard lock(mutex);
          order.push_back(name);
        }
        inner(run);
      };
    };
  };
  class Counting final : public Task {
   public:
    explicit Counting(std::atomic<int>& count) : count_(count) {}
    void run(JobRun&) override { ++count_; }

   private:
    std::atomic<int>& count_;
  };
  std::atomic<int> told = 0;
  std::atomic<int> ran = 0;
  SchedulerOptions options;
  options.wrappers = {wrapper("outer"), wrapper("inner")};
  options.on_entry = [&](const std::string&, const HistoryEntry&) {
    ++told;
    throw std::runtime_error("a listener's own trouble");
  };
  options.on_start = [&](Scheduler& scheduler) {
    EXPECT_TRUE(scheduler.add("task", Schedule::parse(kNever).value(), std::make_shared<Counting>(ran)));
  };
  Node node(driver_, "a", options);
  node.start();
  ASSERT_TRUE(eventually([&] { return node.scheduler().run_now("task").has_value(); }));
  EXPECT_TRUE(eventually([&] { return told == 1; }));
  node.stop();
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(order, (std::vector<std::string>{"outer", "inner"}));
}

}  // namespace
}  // namespace nodepool::cron
