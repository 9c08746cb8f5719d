#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <string>
#include <vector>

namespace nodepool::simulation {

using std::chrono::nanoseconds;

/// Instants of true time, which no node and no server can see; since the start of the run.
using TrueTime = nanoseconds;

/// A promise was broken: what, when. Ends the run.
struct Violation {
  std::string what;
  TrueTime at;
};

/// True time, the queue of what is to happen, and all randomness: the same seed gives the same run, bit by
/// bit.
class World {
 public:
  explicit World(std::uint64_t seed, bool trace) : random_(seed), trace_(trace) {}

  [[nodiscard]] TrueTime now() const noexcept { return now_; }
  /// Runs `action` after `delay` of true time. Of one instant, in the order of scheduling.
  void after(nanoseconds delay, std::function<void()> action);
  /// Runs what is due until `end`.
  void run_until(TrueTime end);

  /// A whole number out of least..most, both possible.
  std::int64_t between(std::int64_t least, std::int64_t most);
  nanoseconds between(nanoseconds least, nanoseconds most) {
    return nanoseconds(between(least.count(), most.count()));
  }
  bool chance(double probability);

  [[nodiscard]] bool tracing() const noexcept { return trace_; }
  /// One line of the trace; REQUIRES tracing().
  void trace(const std::string& who, const std::string& what) const;
  [[noreturn]] void violate(const std::string& what) const;
  [[nodiscard]] std::uint64_t events() const noexcept { return order_; }

 private:
  struct Event {
    TrueTime at;
    std::uint64_t order;
    std::function<void()> action;
    bool operator>(const Event& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };

  std::priority_queue<Event, std::vector<Event>, std::greater<>> queue_;
  TrueTime now_{0};
  std::uint64_t order_ = 0;
  std::mt19937_64 random_;
  bool trace_;
};

}  // namespace nodepool::simulation
