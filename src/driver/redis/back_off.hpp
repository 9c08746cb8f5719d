#pragma once

#include <algorithm>
#include <chrono>
#include <random>

#include "nodepool/types.hpp"

namespace nodepool::redis {

/// When to try again after failures: a random part ("full jitter") of 50 ms, 100 ms, ... up to 1 s.
class BackOff {
 public:
  explicit BackOff(std::uint32_t seed) : random_(seed) {}

  [[nodiscard]] MonotonicTime next_attempt() const noexcept { return next_attempt_; }
  void succeeded() noexcept {
    failures_ = 0;
    next_attempt_ = {};
  }
  void failed(MonotonicTime now) {
    constexpr std::chrono::milliseconds kFirst{50};
    constexpr std::chrono::milliseconds kLongest{1000};
    const auto bound = std::min(kFirst * (1 << std::min(failures_++, 5)), kLongest);
    next_attempt_ =
        now + std::chrono::milliseconds(
                  std::uniform_int_distribution<std::chrono::milliseconds::rep>(1, bound.count())(random_));
  }

 private:
  std::minstd_rand random_;
  int failures_ = 0;
  MonotonicTime next_attempt_{};
};

}  // namespace nodepool::redis
