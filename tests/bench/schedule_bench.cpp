// Schedules: reading them, and the next instant of usual and of rare ones; all that a node with 100,000 jobs
// has to compute when it starts, and at each firing.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "nodepool/schedule.hpp"
#include "ratio.hpp"

namespace nodepool::bench {
namespace {

using cron::Schedule;

constexpr std::size_t kSchedules = 100'000;

struct Kind {
  const char* name;
  const char* expression;
  double most_ns;  ///< That `next` may take.
};

constexpr std::array<Kind, 8> kKinds{
    {{"every", "@every 90s", 100},
     {"minute_utc", "* * * * *", 1'000},
     {"minute", "CRON_TZ=Europe/Berlin * * * * *", 1'000},
     {"workday", "CRON_TZ=Europe/Berlin 30 2 * * mon-fri", 1'000},
     {"working_days", "CRON_TZ=America/New_York 0 9 LW,15W * fri#2", 1'000},
     {"leap_sunday", "CRON_TZ=Europe/Berlin 30 2 ?/28 2 sun#5", 10'000},
     {"leap_sunday_every_hour", "CRON_TZ=Europe/Berlin 30 * ?/28 2 sun#5", 100'000},
     {"never", "CRON_TZ=Europe/Berlin 30 2 30 2 *", 100'000}}};

WallTime start() {
  return WallTime(std::chrono::seconds(1'750'000'000));
}

/// The next one of the next one; from the start again when there are no more.
void bench_next(benchmark::State& state, const Kind& kind) {
  const Schedule schedule = Schedule::parse(kind.expression).value();
  WallTime after = start();
  for (auto _ : state) after = schedule.next(after).value_or(start());
  benchmark::DoNotOptimize(after);
}

void bench_parse(benchmark::State& state, const Kind& kind) {
  for (auto _ : state) benchmark::DoNotOptimize(Schedule::parse(kind.expression));
}

void bench_describe(benchmark::State& state, const Kind& kind) {
  const Schedule schedule = Schedule::parse(kind.expression).value();
  for (auto _ : state) benchmark::DoNotOptimize(schedule.describe());
}

void print(const std::string& name, double value, const char* unit, double most) {
  fmt::print("figure {} {:.4g} {} target <= {:.0f}\n", name, value, unit, most);
  std::fflush(stdout);
}

template <class Work>
double least_ns(const Work& work, std::size_t count, int repetitions) {
  double least = std::numeric_limits<double>::max();
  for (int i = 0; i < repetitions; ++i) least = std::min(least, ns_per_call(work, count));
  return least;
}

void figures_of_kinds() {
  constexpr std::size_t kCalls = 200;
  for (const Kind& kind : kKinds) {
    const Schedule schedule = Schedule::parse(kind.expression).value();
    const auto work = [&] {
      WallTime after = start();
      for (std::size_t i = 0; i < kCalls; ++i) after = schedule.next(after).value_or(start());
      benchmark::DoNotOptimize(after);
    };
    print(std::string("schedule_next_") + kind.name, least_ns(work, kCalls, 21), "ns", kind.most_ns);
  }
}

/// A job at another minute and hour each, in five zones.
std::string expression_of(std::size_t job) {
  constexpr std::array kZones{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata",
                              "Australia/Lord_Howe"};
  return fmt::format("CRON_TZ={} {} {} * * {}", kZones.at(job % kZones.size()), job % 60, job / 60 % 24,
                     job % 3 == 0 ? "mon-fri" : "*");
}

void figures_of_many() {
  std::vector<std::string> expressions;
  for (std::size_t job = 0; job < kSchedules; ++job) expressions.push_back(expression_of(job));
  std::vector<Schedule> schedules;
  schedules.reserve(kSchedules);
  const auto before = static_cast<double>(::mallinfo2().uordblks);
  const double parse = ns_per_call(
      [&] {
        for (const std::string& text : expressions) schedules.push_back(Schedule::parse(text).value());
      },
      1);
  const double bytes = static_cast<double>(::mallinfo2().uordblks) - before;
  print("schedule_parse_100k", parse / 1e6, "ms", 500);
  print("schedule_bytes_each", bytes / kSchedules + sizeof(Schedule), "bytes", 512);
  const auto work = [&] {
    for (const Schedule& schedule : schedules) benchmark::DoNotOptimize(schedule.next(start()));
  };
  print("schedule_next_100k", least_ns(work, 1, 5) / 1e6, "ms", 100);
}

}  // namespace
}  // namespace nodepool::bench

int main(int argc, char** argv) {
  using namespace nodepool::bench;
  benchmark::Initialize(&argc, argv);
  for (const Kind& kind : kKinds) {
    benchmark::RegisterBenchmark((std::string("next/") + kind.name).c_str(), bench_next, kind);
    benchmark::RegisterBenchmark((std::string("parse/") + kind.name).c_str(), bench_parse, kind);
    benchmark::RegisterBenchmark((std::string("describe/") + kind.name).c_str(), bench_describe, kind);
  }
  benchmark::RunSpecifiedBenchmarks();
  figures_of_kinds();
  figures_of_many();
  return 0;
}
