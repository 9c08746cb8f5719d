// What a decision costs: beside its parts (hash, clock, ring) and beside go-dispatch's way of making it.

#include <benchmark/benchmark.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "given_view.hpp"
#include "nodepool/job_set.hpp"
#include "nodepool/ring.hpp"
#include "ratio.hpp"
#include "ring/arc_filter.hpp"

namespace nodepool::bench {
namespace {

constexpr std::array<std::size_t, 4> kSizes{5, 100, 1'000, 10'000};
constexpr std::size_t kJobs = 2'048;  ///< A power of two.
constexpr int kBlock = 32;            ///< Times that the jobs are gone through between two readings.

std::string random_name(std::mt19937_64& random) {
  std::string name(8 + random() % 25, ' ');
  for (char& letter : name) letter = static_cast<char>('a' + random() % 26);
  return name;
}

/// One pool size with everything that is measured on it. Of any jobs, and of those that this node owns: the
/// former nearly all get a no, which needs no clock, the latter a yes.
struct Stage {
  std::unique_ptr<NodePool> pool;
  HashRing ring;
  ArcSet arcs;
  std::vector<std::uint64_t> points;  ///< As go-dispatch has them: sorted, with their owners beside them.
  std::vector<std::uint32_t> owners;
  std::uint32_t self = 0;
  mutable std::shared_mutex mutex;
  std::vector<Job> any;
  std::vector<Job> own;
};

void add_jobs(Stage& stage) {
  std::mt19937_64 random(42);
  while (stage.any.size() < kJobs) stage.any.emplace_back(random_name(random));
  while (stage.own.size() < kJobs) {
    std::string name = random_name(random);
    for (int digit = 0; digit < 4096 && stage.own.size() < kJobs; ++digit) {
      name[0] = static_cast<char>('a' + digit % 16);
      name[1] = static_cast<char>('a' + digit / 16 % 16);
      name[2] = static_cast<char>('a' + digit / 256);
      if (stage.arcs.contains(hash_key(name))) stage.own.emplace_back(name);
    }
  }
}

std::unique_ptr<Stage> make_stage(std::size_t members) {
  auto stage = std::make_unique<Stage>();
  stage->pool = steady_pool(members);
  if (!stage->pool) return nullptr;
  std::vector<RingNode> nodes;
  for (const NodeInfo& member : stage->pool->nodes()) nodes.push_back({member.name.str()});
  stage->ring = HashRing::build(std::move(nodes), 50).value();
  const std::string self = stage->pool->node_name().str();
  stage->arcs = stage->ring.arcs_of(self);
  stage->points = stage->ring.point_hashes();
  for (const std::uint64_t point : stage->points) {
    const RingNode* owner = stage->ring.owner_of_hash(point);
    stage->owners.push_back(static_cast<std::uint32_t>(owner - stage->ring.nodes().data()));
    if (owner->name == self) stage->self = stage->owners.back();
  }
  add_jobs(*stage);
  return stage;
}

/// The stages are made once and stay: pools are destroyed before main returns.
using Stages = std::map<std::size_t, std::unique_ptr<Stage>>;

// ---- what is measured: one call for one job

bool go_dispatch(const Stage& stage, std::uint64_t hash) {
  const std::shared_lock lock(stage.mutex);
  const auto found = std::lower_bound(stage.points.begin(), stage.points.end(), hash);
  const auto index = found == stage.points.end() ? 0 : found - stage.points.begin();
  return stage.owners[static_cast<std::size_t>(index)] == stage.self;
}
bool lower_bound_ring(const Stage& stage, std::uint64_t hash) {
  const auto found = std::lower_bound(stage.points.begin(), stage.points.end(), hash);
  const auto index = found == stage.points.end() ? 0 : found - stage.points.begin();
  return stage.owners[static_cast<std::size_t>(index)] == stage.self;
}
std::uint64_t plain_hash(const Job& job) {
  return XXH64(job.name().data(), job.name().size(), 0);
}
template <clockid_t Clock>
std::int64_t read_clock() {
  timespec reading{};
  ::clock_gettime(Clock, &reading);
  return reading.tv_sec * 1'000'000'000 + reading.tv_nsec;
}

/// A function that goes through the jobs and makes one call for each.
template <class Call>
auto loop(const std::vector<Job>& jobs, Call call) {
  return [&jobs, call] {
    for (int round = 0; round < kBlock; ++round) {
      for (const Job& job : jobs) benchmark::DoNotOptimize(call(job));
    }
  };
}
constexpr std::size_t kCalls = kBlock * kJobs;

// ---- Google Benchmark's table

template <class Call>
void add(const std::string& name, const std::vector<Job>& jobs, Call call) {
  benchmark::RegisterBenchmark(name.c_str(), [&jobs, call](benchmark::State& state) {
    std::size_t next = 0;
    for (auto unused : state) {
      static_cast<void>(unused);
      benchmark::DoNotOptimize(call(jobs[next++ % kJobs]));
    }
  });
}

void register_clocks(const std::vector<Job>& jobs) {
  add("clock/boottime", jobs, [](const Job&) { return read_clock<CLOCK_BOOTTIME>(); });
  add("clock/monotonic", jobs, [](const Job&) { return read_clock<CLOCK_MONOTONIC>(); });
  add("clock/monotonic_coarse", jobs, [](const Job&) { return read_clock<CLOCK_MONOTONIC_COARSE>(); });
  add("clock/steady_clock", jobs, [](const Job&) { return std::chrono::steady_clock::now(); });
  add("clock/BootClock", jobs, [](const Job&) { return BootClock::now(); });
#if defined(__x86_64__)
  add("clock/counter", jobs, [](const Job&) { return __builtin_ia32_rdtsc(); });
#endif
  add("hash/xxh64", jobs, plain_hash);
  add("hash/hash_key", jobs, [](const Job& job) { return hash_key(job.name()); });
}

void register_decisions(const Stages& stages) {
  for (const auto& [size, made] : stages) {
    const Stage& stage = *made;
    const std::string at = "/" + std::to_string(size);
    const INodePool& pool = *stage.pool;
    add("is_eligible/name" + at, stage.own, [&](const Job& job) { return pool.is_eligible(job.name()); });
    add("is_eligible/handle" + at, stage.own, [&](const Job& job) { return pool.is_eligible(job); });
    add("is_eligible/any_handle" + at, stage.any, [&](const Job& job) { return pool.is_eligible(job); });
    add("decide/handle" + at, stage.own, [&](const Job& job) { return pool.decide(job).reason; });
    add("ring/lower_bound" + at, stage.any,
        [&](const Job& job) { return lower_bound_ring(stage, job.hash()); });
    add("ring/arc_filter" + at, stage.any,
        [filter = ArcFilter(stage.arcs)](const Job& job) { return filter.contains(job.hash()); });
    add("go_dispatch/name" + at, stage.any,
        [&](const Job& job) { return go_dispatch(stage, plain_hash(job)); });
  }
}

// ---- ratios against the targets

void compare_decisions(const Stage& stage, const std::string& at) {
  const INodePool& pool = *stage.pool;
  const auto clock = [](const Job&) { return read_clock<CLOCK_BOOTTIME>(); };
  const auto parts = [](const Job& job) {
    benchmark::DoNotOptimize(plain_hash(job));
    return read_clock<CLOCK_BOOTTIME>();
  };
  const auto by_name = [&](const Job& job) { return pool.is_eligible(job.name()); };
  const auto by_handle = [&](const Job& job) { return pool.is_eligible(job); };
  print_cost("is_eligible_name_over_hash_and_clock" + at,
             interleaved(loop(stage.own, by_name), loop(stage.own, parts), kCalls), 1.5);
  print_cost("is_eligible_any_name_over_hash_and_clock" + at,
             interleaved(loop(stage.any, by_name), loop(stage.any, parts), kCalls), 1.5);
  Pair handle = interleaved(loop(stage.own, by_handle), loop(stage.own, clock), kCalls);
  print_cost("is_eligible_handle_over_clock" + at, handle, (handle.baseline + 8) / handle.baseline);
}

/// So many hashes that the predictor of branches cannot learn them by heart. With `own` all of them lie in
/// the arcs: in a great pool these are short, and nearly every hash near them needs a look.
std::vector<std::uint64_t> many_hashes(const ArcSet& arcs, bool own) {
  std::mt19937_64 random(44);
  std::vector<std::uint64_t> hashes(std::size_t{1} << 18);
  std::ranges::generate(hashes, random);
  if (!own) return hashes;
  for (std::uint64_t& hash : hashes) {
    const ArcSet::Arc& arc = arcs.arcs()[hash % arcs.arcs().size()];
    hash = arc.first + random() % (arc.last - arc.first);
  }
  return hashes;
}

void compare_pure_questions(const Stage& stage, const std::string& at, bool own, double least) {
  const ArcFilter filter(stage.arcs);
  const std::vector<std::uint64_t> hashes = many_hashes(stage.arcs, own);
  const auto through = [&](auto question) {
    return [&hashes, question] {
      for (const std::uint64_t hash : hashes) benchmark::DoNotOptimize(question(hash));
    };
  };
  const auto ours = [&](std::uint64_t hash) { return filter.contains(hash); };
  const auto baseline = [&](std::uint64_t hash) { return lower_bound_ring(stage, hash); };
  print_speed((own ? "mine_against_lower_bound" : "mine_or_not_against_lower_bound") + at,
              interleaved(through(ours), through(baseline), hashes.size()), least);
}

void compare_with_go_dispatch(const Stage& stage, const std::string& at) {
  const auto decision = [&](const Job& job) { return stage.pool->is_eligible(job); };
  const auto locked = [&](const Job& job) { return go_dispatch(stage, job.hash()); };
  print_speed("any_handle_against_shared_mutex_and_lower_bound" + at,
              interleaved(loop(stage.any, decision), loop(stage.any, locked), kCalls), 1);
}

/// Which of 100,000 known jobs: one call against one question for each.
void compare_batch(const Stage& stage, const std::string& at) {
  constexpr std::size_t known = 100'000;
  std::mt19937_64 random(43);
  std::vector<std::string> names;
  while (names.size() < known) names.push_back(random_name(random));
  const JobSet jobs(std::move(names));
  const auto at_once = [&] { benchmark::DoNotOptimize(stage.pool->eligible_jobs(jobs)); };
  const auto one_by_one = [&] { benchmark::DoNotOptimize(stage.pool->INodePool::eligible_jobs(jobs)); };
  print_cost("eligible_jobs_over_one_by_one" + at, interleaved(at_once, one_by_one, known), 0.01);
}

/// Nanoseconds for each of the calls of all threads together, by the clock on the wall.
double together(const Stage& stage, int threads) {
  std::atomic<int> ready{0};
  std::vector<double> took(static_cast<std::size_t>(threads));
  const auto work = loop(stage.own, [&](const Job& job) { return stage.pool->is_eligible(job); });
  {
    std::vector<std::jthread> workers;
    for (double& mine : took) {
      workers.emplace_back([&] {
        work();
        ready.fetch_add(1);
        while (ready.load() < threads) {
        }
        const auto before = std::chrono::steady_clock::now();
        work();
        mine = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - before).count();
      });
    }
  }
  return std::ranges::max(took) / static_cast<double>(kCalls) / threads;
}

void compare_threads(const Stage& stage, const std::string& at) {
  Pair least;
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    least.ours = std::min(least.ours, together(stage, 2));
    least.baseline = std::min(least.baseline, together(stage, 1));
  }
  print_speed("two_threads_against_one" + at, least, 1.8);
}

int compare_all(const Stages& stages) {
  const std::map<std::size_t, double> pure_targets{{5, 18}, {100, 35}, {1'000, 50}, {10'000, 80}};
  for (const auto& [size, stage] : stages) {
    const std::string at = "_n" + std::to_string(size);
    compare_decisions(*stage, at);
    compare_pure_questions(*stage, at, false, pure_targets.at(size));
    compare_pure_questions(*stage, at, true, 4);
    compare_with_go_dispatch(*stage, at);
  }
  compare_batch(*stages.at(100), "_n100");
  compare_threads(*stages.at(100), "_n100");
  return 0;
}

}  // namespace
}  // namespace nodepool::bench

int main(int argc, char** argv) {
  using namespace nodepool::bench;
  Stages stages;
  for (const std::size_t size : kSizes) {
    stages[size] = make_stage(size);
    if (!stages[size]) {
      fmt::print(stderr, "no steady pool of {} members could be made\n", size);
      return 1;
    }
  }
  benchmark::Initialize(&argc, argv);
  register_clocks(stages.at(5)->any);
  register_decisions(stages);
  benchmark::RunSpecifiedBenchmarks();
  return compare_all(stages);
}
