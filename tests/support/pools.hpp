#pragma once

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "nodepool/memory.hpp"
#include "nodepool/pool.hpp"

namespace nodepool::test {

/// Waits until `condition` holds; false if it does not within `limit`.
template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(30)) {
  const MonotonicTime end = BootClock::now() + limit;
  while (!condition()) {
    if (BootClock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// A pool whose lease outlasts any stall of a busy test machine.
inline PoolOptions patient(std::string name) {
  PoolOptions options;
  options.name = std::move(name);
  options.heartbeat = std::chrono::milliseconds(500);
  options.lease = std::chrono::seconds(20);
  return options;
}

/// A pool that loses its lease within half a second.
inline PoolOptions hasty(std::string name) {
  PoolOptions options;
  options.name = std::move(name);
  options.heartbeat = std::chrono::milliseconds(100);
  options.lease = std::chrono::milliseconds(600);
  options.drain_grace = std::chrono::milliseconds(0);
  return options;
}

inline std::vector<std::string> some_jobs(int count) {
  std::vector<std::string> jobs;
  for (int number = 0; number < count; ++number) jobs.push_back("job" + std::to_string(number));
  return jobs;
}

}  // namespace nodepool::test
