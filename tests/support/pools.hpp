#pragma once

#include <chrono>
#include <stdexcept>
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

/// The pool of a test that has only one.
inline const ServiceName kService("service");

/// The same for a set-up, which cannot go on without it. Throws std::runtime_error.
template <class Condition>
void await(const char* what, Condition condition) {
  if (!eventually(std::move(condition))) throw std::runtime_error(std::string("waited in vain for ") + what);
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
