#pragma once

#include <ctime>

#include "nodepool/types.hpp"

namespace nodepool {

/// BootClock::now() without a call of ours around the system's (docs/design.md, "The clock of a decision").
inline MonotonicTime boot_time() noexcept {
  timespec reading{};
  ::clock_gettime(CLOCK_BOOTTIME, &reading);
  return MonotonicTime(std::chrono::seconds(reading.tv_sec) + std::chrono::nanoseconds(reading.tv_nsec));
}

}  // namespace nodepool
