#include "runtime/boot_clock.hpp"

namespace nodepool {

BootClock::time_point BootClock::now() noexcept {
  return boot_time();
}

}  // namespace nodepool
