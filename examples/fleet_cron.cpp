// Jobs by their schedules, on one of the processes that run this program. Start it several times: each
// second's tick is printed by one of them. Ends after some runs, or with an error after half a minute.

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <thread>

#include "nodepool/cron.hpp"
#include "nodepool/sqlite.hpp"

namespace {

using namespace std::chrono_literals;
using nodepool::cron::JobRun;
using nodepool::cron::Schedule;

/// A job as an object, with what it needs inside. It fails at first, and is repeated.
class Import final : public nodepool::cron::Task {
 public:
  explicit Import(std::atomic<int>& imports) : imports_(imports) {}
  void run(JobRun& run) override {
    if (run.attempt() == 1) return run.fail("the other side is not up yet");
    run.note("imported with token " + std::to_string(run.token().value));
    ++imports_;
  }

 private:
  std::atomic<int>& imports_;
};

int fail(const nodepool::Error& error) {
  std::cerr << error.message << '\n';
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  std::shared_ptr<nodepool::Driver> driver =
      nodepool::open_sqlite(argc > 1 ? argv[1] : "fleet_cron.db").value();
  auto pool = std::make_shared<nodepool::NodePool>("fleet", driver, 4s);
  std::atomic<int> ticks = 0;
  std::atomic<int> imports = 0;

  nodepool::cron::SchedulerOptions options;
  options.on_entry = [](const std::string& job, const nodepool::cron::HistoryEntry& entry) {
    std::cout << job << ' ' << to_string(entry.outcome) << ' ' << entry.detail << std::endl;
  };
  nodepool::cron::Scheduler scheduler(pool, driver, nodepool::ServiceName("fleet"), options);
  const auto tick = [&](JobRun& run) {
    run.note("of " + std::to_string(run.scheduled().time_since_epoch() / 1s));
    ++ticks;
  };
  const auto each_second = Schedule::parse("* * * * * *").value();
  const auto each_two = Schedule::parse("@every 2s").value();
  if (auto added = scheduler.add({"tick", each_second, tick}); !added) return fail(added.error());
  const nodepool::cron::JobPolicy twice{.retries = 1, .retry_delay = 100ms};
  if (auto added = scheduler.add("import", each_two, std::make_shared<Import>(imports), twice); !added) {
    return fail(added.error());
  }
  if (auto joined = pool->start(); !joined) return fail(joined.error());
  if (auto started = scheduler.start(); !started) return fail(started.error());
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while ((ticks < 3 || imports < 1) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(10ms);
  }
  scheduler.stop();
  pool->stop();
  return ticks >= 3 && imports >= 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
