#pragma once

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <utility>

#include "nodepool/types.hpp"

namespace nodepool::driver {

/// Owns a file descriptor. Move-only; closes it when destroyed.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }

  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] explicit operator bool() const noexcept { return number_ >= 0; }
  void reset() noexcept {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

/// What ended a wait. Both may be true; none means that the time has passed (or a signal came).
struct Readable {
  bool first = false;
  bool second = false;
};

/// Waits until one of two descriptors has something to say, or `until`. A descriptor of -1 is left out. An
/// error or a hang-up counts as readable, so that a caller that reads learns of it instead of spinning.
inline Readable wait_readable(int first, int second, MonotonicTime until) noexcept {
  using std::chrono::nanoseconds;
  const nanoseconds left = std::max<nanoseconds>(until - BootClock::now(), nanoseconds(0));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  const timespec timeout{.tv_sec = static_cast<std::time_t>(seconds.count()),
                         .tv_nsec = static_cast<long>((left - seconds).count())};
  std::array<pollfd, 2> descriptors{{{first, POLLIN, 0}, {second, POLLIN, 0}}};
  if (::ppoll(descriptors.data(), descriptors.size(), &timeout, nullptr) <= 0) return {};
  return {.first = descriptors[0].revents != 0, .second = descriptors[1].revents != 0};
}

}  // namespace nodepool::driver
