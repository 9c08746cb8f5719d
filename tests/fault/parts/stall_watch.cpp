#include "fault/parts/stall_watch.hpp"

#include <algorithm>
#include <chrono>

namespace nodepool::fault {
namespace {

using namespace std::chrono_literals;
using std::chrono::system_clock;

constexpr auto kBetweenLooks = 5ms;
constexpr auto kStall = 250ms;

}  // namespace

StallWatch::StallWatch() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

void StallWatch::run(const std::stop_token& stop) {
  WallTime last = system_clock::now();
  while (!stop.stop_requested()) {
    std::this_thread::sleep_for(kBetweenLooks);
    const WallTime now = system_clock::now();
    if (now - last >= kStall) count(last, now);
    last = now;
  }
}

void StallWatch::count(WallTime from, WallTime until) {
  const std::lock_guard lock(mutex_);
  stalls_.push_back({from, until});
}

bool StallWatch::stalled(WallTime from, WallTime until) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(stalls_,
                             [&](const Stall& stall) { return stall.from <= until && stall.until >= from; });
}

}  // namespace nodepool::fault
