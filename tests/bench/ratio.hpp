#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

/// Ours against a baseline, as a ratio of one run. Both are measured again and again in turn, and the least
/// of each counts: what other programs of the machine take away, they take from both.

namespace nodepool::bench {

/// Time that this thread has computed, in nanoseconds: what it waited for a core does not count.
inline double computed_ns() noexcept {
  timespec reading{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &reading);
  return static_cast<double>(reading.tv_sec) * 1e9 + static_cast<double>(reading.tv_nsec);
}

/// The nanoseconds that each of `count` calls within `work()` takes.
template <class Work>
double ns_per_call(Work&& work, std::size_t count) {
  const double before = computed_ns();
  work();
  return (computed_ns() - before) / static_cast<double>(count);
}

struct Pair {
  double ours = 1e18;
  double baseline = 1e18;
};

inline constexpr int kRepetitions = 61;

/// The least time of each, in nanoseconds per call; `ours` and `baseline` are functions that make `count`
/// calls.
template <class Ours, class Baseline>
Pair interleaved(Ours&& ours, Baseline&& baseline, std::size_t count) {
  Pair least;
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    least.ours = std::min(least.ours, ns_per_call(ours, count));
    least.baseline = std::min(least.baseline, ns_per_call(baseline, count));
  }
  return least;
}

/// One line for scripts: "ratio <name> <ours_ns> <baseline_ns> <ratio> target <relation> <value>".
inline void print_ratio(std::string_view name, double ours_ns, double baseline_ns, double ratio,
                        std::string_view relation, double value) {
  fmt::print("ratio {} {:.3f} {:.3f} {:.4f} target {} {:.4g}\n", name, ours_ns, baseline_ns, ratio, relation,
             value);
  std::fflush(stdout);
}

/// Ours is to take at most `most` times what the baseline takes.
inline void print_cost(std::string_view name, const Pair& pair, double most) {
  print_ratio(name, pair.ours, pair.baseline, pair.ours / pair.baseline, "<=", most);
}

/// Ours is to be at least `least` times as fast as the baseline.
inline void print_speed(std::string_view name, const Pair& pair, double least) {
  print_ratio(name, pair.ours, pair.baseline, pair.baseline / pair.ours, ">=", least);
}

}  // namespace nodepool::bench
