// A scheduler with 100,000 jobs on one node, beside a simple cron that asks each schedule each second: what
// it costs when nothing is due, how late runs start, and how many can be started.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "nodepool/cron.hpp"
#include "nodepool/memory.hpp"
#include "nodepool/sqlite.hpp"
#include "ratio.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::bench;
using namespace std::chrono_literals;
using cron::JobRun;
using cron::Schedule;

constexpr int kJobs = 100'000;

double process_ms() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

void figure(const std::string& name, double value, const char* unit, const char* relation, double target) {
  fmt::print("figure {} {:.4g} {} target {} {:.4g}\n", name, value, unit, relation, target);
  std::fflush(stdout);
}

template <class Condition>
double seconds_until(Condition condition) {
  const MonotonicTime start = BootClock::now();
  while (!condition() && BootClock::now() - start < 300s) std::this_thread::sleep_for(1ms);
  return std::chrono::duration<double>(BootClock::now() - start).count();
}

/// A node whose jobs are counted.
struct BenchNode {
  explicit BenchNode(const std::shared_ptr<Driver>& driver)
      : pool(std::make_shared<NodePool>(ServiceName("bench"), driver, PoolOptions{.name = "node"})),
        scheduler(pool, driver, ServiceName("bench"), {.most_runs = 16}) {}
  void add(const std::string& name, const Schedule& schedule) {
    (void)scheduler.add({name, schedule, [this](JobRun& run) {
                           const auto late = std::chrono::system_clock::now() - run.scheduled();
                           const std::lock_guard lock(mutex);
                           lateness_ms.push_back(std::chrono::duration<double, std::milli>(late).count());
                           ++runs;
                         }});
  }
  void start() {
    if (const auto joined = pool->start(); !joined) throw std::runtime_error(joined.error().message);
    if (const auto started = scheduler.start(); !started) throw std::runtime_error(started.error().message);
  }
  [[nodiscard]] std::size_t taken() const {
    const auto jobs = scheduler.list();
    return static_cast<std::size_t>(std::ranges::count(jobs, true, &cron::JobStatus::is_here));
  }

  std::shared_ptr<NodePool> pool;
  std::mutex mutex;
  std::vector<double> lateness_ms;
  std::atomic<int> runs = 0;
  cron::Scheduler scheduler;
};

/// What a simple cron does in one second: which of these are due?
double simple_cron_ms(const std::vector<Schedule>& schedules) {
  const WallTime now = std::chrono::system_clock::now();
  std::size_t due = 0;
  const double before = process_ms();
  for (const Schedule& schedule : schedules) due += schedule.next(now - 1s) <= now ? 1U : 0U;
  const double spent = process_ms() - before;
  return due == schedules.size() ? 0 : spent;
}

void measure_many() {
  BenchNode node(open_memory());
  std::vector<Schedule> schedules;
  for (int job = 0; job < kJobs; ++job) {
    const std::string name = "job" + std::to_string(job);
    schedules.push_back(Schedule::parse("~ ~ ~ 2 *", {.job = name}).value());
    node.add(name, schedules.back());
  }
  node.start();
  const double taken = seconds_until([&] { return node.taken() == kJobs; });
  figure("scheduler_takes_100000_jobs", taken, "s", "<=", 30);

  constexpr int kSeconds = 5;
  std::this_thread::sleep_for(2s);  // Until the first looks are over.
  const double before = process_ms();
  std::this_thread::sleep_for(std::chrono::seconds(kSeconds));
  const double idle = (process_ms() - before) / kSeconds;
  double simple = 1e9;
  for (int repetition = 0; repetition < 5; ++repetition) simple = std::min(simple, simple_cron_ms(schedules));
  print_ratio("scheduler_idle_second_of_100000_jobs", idle * 1e6, simple * 1e6, idle / simple, "<=", 1);

  for (int job = 0; job < 50; ++job) {
    node.add("busy" + std::to_string(job), Schedule::parse("* * * * * *").value());
  }
  (void)seconds_until([&] { return node.runs >= 500; });
  const std::lock_guard lock(node.mutex);
  std::ranges::sort(node.lateness_ms);
  const auto at = [&](double share) {
    return node
        .lateness_ms[static_cast<std::size_t>(share * static_cast<double>(node.lateness_ms.size() - 1))];
  };
  figure("scheduler_lateness_median_of_50_a_second", at(0.5), "ms", "<=", 20);
  figure("scheduler_lateness_p99_of_50_a_second", at(0.99), "ms", "<=", 100);
}

/// Thousands of jobs that are due at one instant.
void measure_burst(const std::string& store, const std::shared_ptr<Driver>& driver, int jobs) {
  BenchNode node(driver);
  const WallTime due = std::chrono::ceil<std::chrono::seconds>(std::chrono::system_clock::now()) + 8s;
  const auto once = Schedule::custom("once", [due](WallTime after) -> std::optional<WallTime> {
    if (after < due) return due;
    return std::nullopt;
  });
  for (int job = 0; job < jobs; ++job) node.add("job" + std::to_string(job), once);
  node.start();
  std::this_thread::sleep_until(due);
  const double spent = seconds_until([&] { return node.runs == jobs; });
  figure(fmt::format("scheduler_starts_on_{}", store), jobs / spent, "runs/s", ">=", 500);
}

}  // namespace

int main() {
  measure_many();
  measure_burst("memory", open_memory(), 5000);
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("nodepool-bench-{}", ::getpid());
  std::filesystem::create_directory(folder);
  measure_burst("sqlite", open_sqlite((folder / "store.db").string()).value(), 1000);
  std::filesystem::remove_all(folder);
  return 0;
}
