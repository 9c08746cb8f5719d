// What becomes of jobs when the store, the lease or a node goes wrong.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "nodepool/sqlite.hpp"
#include "nodepool/testing.hpp"
#include "scheduler/faulty_ledger.hpp"
#include "scheduler/fleet.hpp"
#include "support/process.hpp"

namespace nodepool::cron {
namespace {

using testing::Each;
using testing::Pair;

constexpr const char* kSecondly = "* * * * * *";

std::vector<HistoryEntry> all_history(Node& node, const std::string& job) {
  return node.scheduler().history(job, 1000).value_or(std::vector<HistoryEntry>{});
}

/// Every second from the first to the last is there, once.
void expect_no_gap(const std::map<WallTime, int>& runs) {
  WallTime last{};
  for (const auto& [instant, times] : runs) {
    if (times == 0) continue;
    EXPECT_EQ(times, 1);
    if (last != WallTime{}) {
      EXPECT_EQ(instant - last, 1s);
    }
    last = instant;
  }
}

TEST(SchedulerTrouble, AStoreThatLosesRequestsAndRepliesLosesAndDoublesNoInstant) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  const auto driver = std::make_shared<FaultyLedgers>(open_memory(), seed);
  driver->fail(30);
  Diary diary;
  Node a(driver, "a");
  Node b(driver, "b");
  const JobPolicy policy{.missed = Missed::all, .overlap = Overlap::queue, .history = 1000};
  for (Node* node : {&a, &b}) {
    for (int job = 0; job < 8; ++job) node->add(diary, std::to_string(job), kSecondly, policy);
    node->start();
  }
  EXPECT_TRUE(eventually([&] { return diary.size() >= 60 && driver->failures() >= 50; })) << "seed " << seed;
  driver->fail(0);
  const std::size_t before = diary.size();
  EXPECT_TRUE(eventually([&] { return diary.size() >= before + 16; })) << "seed " << seed;
  a.stop();
  b.stop();
  for (int job = 0; job < 8; ++job) {
    SCOPED_TRACE("job " + std::to_string(job) + ", seed " + std::to_string(seed));
    const auto runs = diary.runs(std::to_string(job));
    expect_no_gap(runs);
    std::size_t ended = 0;
    for (const HistoryEntry& entry : all_history(a, std::to_string(job))) {
      EXPECT_EQ(entry.outcome, Outcome::succeeded);
      ++ended;
    }
    std::size_t begun = 0;
    for (const auto& [instant, times] : runs) begun += times > 0 ? 1U : 0U;
    EXPECT_EQ(ended, begun) << "each end is written down in the end";
  }
}

TEST(SchedulerTrouble, ARunIsToldToStopWhenTheLeaseIsLostAndTheJobGoesOnLater) {
  auto pool = std::make_shared<FakeNodePool>();
  const std::shared_ptr<Driver> driver = open_memory();
  std::atomic<int> begun = 0;
  std::atomic<int> told = 0;
  Scheduler scheduler(pool, driver, ServiceName("fleet"), {.notice = 50ms});
  pool->grant_if([](std::string_view) { return true; });
  ASSERT_TRUE(pool->start());
  ASSERT_TRUE(scheduler.add({"job", Schedule::parse(kSecondly).value(), [&](JobRun& run) {
                               if (++begun > 1) return;
                               wait_for_stop(run);
                               ++told;
                             }}));
  ASSERT_TRUE(scheduler.start());
  ASSERT_TRUE(eventually([&] { return begun == 1; }));
  pool->lose_lease();
  EXPECT_TRUE(eventually([&] { return told == 1; }));
  pool->regain_lease();
  EXPECT_TRUE(eventually([&] { return begun >= 2; }));
  scheduler.stop();
  const auto entries = scheduler.history("job", 100).value();
  EXPECT_EQ(entries.back().outcome, Outcome::stopped);
}

TEST(SchedulerTrouble, AJobThatMovesWhileItRunsIsWaitedFor) {
  const std::shared_ptr<Driver> driver = open_memory();
  Diary diary;
  std::atomic<bool> may_end = false;
  std::atomic<int> running = 0;
  std::atomic<int> most_running = 0;
  const auto work = [&](JobRun&) {
    most_running = std::max(most_running.load(), ++running);
    while (!may_end) std::this_thread::sleep_for(1ms);
    --running;
  };
  std::vector<std::unique_ptr<Node>> nodes;
  nodes.push_back(std::make_unique<Node>(driver, "a"));
  nodes[0]->add(diary, "job", kSecondly, {}, work);
  nodes[0]->start();
  ASSERT_TRUE(eventually([&] { return running == 1; }));
  // Newcomers until the job is another one's.
  for (int number = 0; nodes[0]->pool().owner("job")->name.str() == "a"; ++number) {
    nodes.push_back(std::make_unique<Node>(driver, "b" + std::to_string(number)));
    nodes.back()->add(diary, "job", kSecondly, {}, work);
    nodes.back()->start();
  }
  const WallTime moved = std::chrono::system_clock::now();
  ASSERT_TRUE(eventually([&] { return std::chrono::system_clock::now() > moved + 1500ms; }));
  EXPECT_EQ(diary.size(), 1U) << "the new owner waits";
  may_end = true;
  EXPECT_TRUE(eventually([&] { return diary.size() >= 3; }));
  for (const auto& node : nodes) node->stop();
  EXPECT_EQ(most_running, 1);
  EXPECT_NE(diary.lines().back().node, "a");
  EXPECT_EQ(all_history(*nodes[0], "job").back().outcome, Outcome::succeeded);
}

TEST(SchedulerTrouble, ClocksThatDifferRunEachInstantOnce) {
  const std::shared_ptr<Driver> driver = open_memory();
  Diary diary;
  std::vector<std::unique_ptr<Node>> nodes;
  for (const auto shift : {-1400ms, 0ms, 1400ms}) {
    SchedulerOptions options;
    options.clock = [shift] { return std::chrono::system_clock::now() + shift; };
    nodes.push_back(std::make_unique<Node>(driver, "n" + std::to_string(nodes.size()), options));
    for (int job = 0; job < 10; ++job) nodes.back()->add(diary, std::to_string(job), kSecondly);
  }
  // Jobs move among clocks all the time.
  for (const auto& node : nodes) node->start();
  for (int round = 0; round < 3; ++round) {
    const std::size_t before = diary.size();
    ASSERT_TRUE(eventually([&] { return diary.size() >= before + 20; }));
    nodes[1]->stop();
    nodes[1] = std::make_unique<Node>(driver, "m" + std::to_string(round));
    for (int job = 0; job < 10; ++job) nodes[1]->add(diary, std::to_string(job), kSecondly);
    nodes[1]->start();
  }
  for (const auto& node : nodes) node->stop();
  for (int job = 0; job < 10; ++job) {
    EXPECT_THAT(diary.runs(std::to_string(job)), Each(Pair(testing::_, testing::Le(1))));
  }
}

TEST(SchedulerTrouble, ARollingChangeOfTheJobsLosesNoInstant) {
  const test::TemporaryFolder folder;
  const auto driver = open_sqlite(folder.path() + "/store.db").value();
  Diary diary;
  std::vector<std::unique_ptr<Node>> nodes;
  for (const char* name : {"a", "b", "c"}) {
    nodes.push_back(std::make_unique<Node>(driver, name));
    for (const char* job : {"stays", "goes"}) nodes.back()->add(diary, job, kSecondly);
    nodes.back()->start();
  }
  ASSERT_TRUE(eventually([&] { return diary.size() >= 4; }));
  const auto schedule = Schedule::parse(kSecondly).value();
  for (const auto& node : nodes) {
    std::vector<JobSpec> jobs;
    for (const char* job : {"stays", "comes"}) {
      jobs.push_back({job, schedule, [&diary, name = node->name()](JobRun& run) { diary.write(name, run); }});
    }
    ASSERT_TRUE(node->scheduler().replace(std::move(jobs)));
    const std::size_t before = diary.size();
    ASSERT_TRUE(eventually([&] { return diary.size() >= before + 4; }));
  }
  const std::size_t before = diary.size();
  ASSERT_TRUE(eventually([&] { return diary.size() >= before + 6; }));
  const auto last = diary.lines();
  for (const auto& node : nodes) node->stop();
  for (const char* job : {"stays", "goes", "comes"}) {
    SCOPED_TRACE(job);
    expect_no_gap(diary.runs(job));
  }
  for (std::size_t line = last.size() - 4; line < last.size(); ++line) EXPECT_NE(last[line].job, "goes");
}

TEST(SchedulerTrouble, ANodeThatStaysInThePoolWithoutASchedulerKeepsNoJobBack) {
  const std::shared_ptr<Driver> driver = open_memory();
  Diary diary;
  Node a(driver, "a");
  Node b(driver, "b");
  for (Node* node : {&a, &b}) {
    for (int job = 0; job < 10; ++job)
      node->add(diary, std::to_string(job), kSecondly, {.missed = Missed::all});
    node->start();
  }
  ASSERT_TRUE(eventually([&] { return diary.size() >= 10; }));
  a.scheduler().stop(5s);
  const std::size_t before = diary.size();
  EXPECT_TRUE(eventually([&] { return diary.size() >= before + 40; }));
  const auto lines = diary.lines();
  std::set<std::string> jobs;
  for (std::size_t line = before; line < lines.size(); ++line) jobs.insert(lines[line].job);
  EXPECT_EQ(jobs.size(), 10U);
  b.stop();
  a.stop();
  for (int job = 0; job < 10; ++job) expect_no_gap(diary.runs(std::to_string(job)));
}

TEST(SchedulerTrouble, ManyRunsShareTheThreadsThatThereAre) {
  const std::shared_ptr<Driver> driver = open_memory();
  Diary diary;
  std::atomic<int> running = 0;
  std::atomic<int> most_running = 0;
  Node node(driver, "a", {.most_runs = 3});
  for (int job = 0; job < 12; ++job) {
    node.add(diary, std::to_string(job), kSecondly, {.on_time = 10s}, [&](JobRun&) {
      const int now = ++running;
      int most = most_running;
      while (most < now && !most_running.compare_exchange_weak(most, now)) {
      }
      std::this_thread::sleep_for(30ms);
      --running;
    });
  }
  node.start();
  EXPECT_TRUE(eventually([&] { return diary.size() >= 36; }));
  node.stop();
  EXPECT_LE(most_running, 3);
  for (int job = 0; job < 12; ++job) expect_no_gap(diary.runs(std::to_string(job)));
}

}  // namespace
}  // namespace nodepool::cron
