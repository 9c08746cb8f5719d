#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "nodepool/cron.hpp"
#include "nodepool/memory.hpp"

namespace nodepool::cron {

using namespace std::chrono_literals;

/// Waits for the condition; false after 30 seconds.
inline bool eventually(const std::function<bool()>& condition) {
  const MonotonicTime deadline = BootClock::now() + 30s;
  while (!condition()) {
    if (BootClock::now() >= deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

/// What the jobs of a test have done, on all nodes.
class Diary {
 public:
  struct Line {
    std::string node;
    std::string job;
    WallTime scheduled;
    unsigned attempt = 1;
    FencingToken token;
  };
  void write(const std::string& node, const JobRun& run) {
    const std::lock_guard lock(mutex_);
    lines_.push_back({node, run.job(), run.scheduled(), run.attempt(), run.token()});
  }
  [[nodiscard]] std::vector<Line> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  [[nodiscard]] std::size_t size() const { return lines().size(); }
  /// How often each instant of the job was run.
  [[nodiscard]] std::map<WallTime, int> runs(const std::string& job) const {
    std::map<WallTime, int> runs;
    for (const Line& line : lines()) runs[line.scheduled] += line.job == job ? 1 : 0;
    return runs;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Line> lines_;
};

inline PoolOptions quick_options(const std::string& name) {
  PoolOptions options;
  options.heartbeat = 50ms;
  options.lease = 2s;
  options.drain_grace = 5s;
  options.name = name;
  return options;
}

/// A pool's member with a scheduler.
class Node {
 public:
  Node(const std::shared_ptr<Driver>& driver, const std::string& name, SchedulerOptions options = {})
      : name_(name),
        pool_(std::make_shared<NodePool>(ServiceName("fleet"), driver, quick_options(name))),
        scheduler_(std::make_unique<Scheduler>(pool_, driver, ServiceName("fleet"), quick(options))) {}

  void start() {
    const auto joined = pool_->start();
    ASSERT_TRUE(joined) << joined.error().message;
    const auto started = scheduler_->start();
    ASSERT_TRUE(started) << started.error().message;
  }
  void stop(std::chrono::milliseconds grace = 5s) {
    scheduler_->stop(grace);
    pool_->stop();
  }
  [[nodiscard]] Scheduler& scheduler() { return *scheduler_; }
  [[nodiscard]] NodePool& pool() { return *pool_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  /// A job that writes into the diary, and then does what it is told.
  void add(Diary& diary, const std::string& job, const std::string& expression, JobPolicy policy = {},
           JobFunction then = {}) {
    const auto added = scheduler_->add({job, Schedule::parse(expression, {.job = job}).value(),
                                        [&diary, node = name_, then = std::move(then)](JobRun& run) {
                                          diary.write(node, run);
                                          if (then) then(run);
                                        },
                                        policy});
    ASSERT_TRUE(added) << added.error().message;
  }

 private:
  static SchedulerOptions quick(SchedulerOptions options) {
    options.notice = 50ms;
    return options;
  }

  const std::string name_;
  std::shared_ptr<NodePool> pool_;
  std::unique_ptr<Scheduler> scheduler_;
};

/// Waits for the stop token.
inline void wait_for_stop(const JobRun& run) {
  while (!run.stop_token().stop_requested()) std::this_thread::sleep_for(1ms);
}

}  // namespace nodepool::cron
