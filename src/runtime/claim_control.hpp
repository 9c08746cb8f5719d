#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "core/standing.hpp"
#include "nodepool/types.hpp"

namespace nodepool::detail {

/// What a claim and its pool share. The tokens are thread-safe; the rest is immutable but for `released`.
class ClaimControl {
 public:
  ClaimControl(std::string job_name, FencingToken fencing_token, std::shared_ptr<const LeaseTerm> lease_term,
               std::function<void()> on_release)
      : job(std::move(job_name)),
        token(fencing_token),
        lease(std::move(lease_term)),
        on_release_(std::move(on_release)) {}

  const std::string job;
  const FencingToken token;
  const std::shared_ptr<const LeaseTerm> lease;
  std::stop_source stop;
  std::stop_source hand_over;

  /// When the right ends, as far as is known now; the far past if it has ended.
  [[nodiscard]] MonotonicTime valid_until() const noexcept {
    const bool over = stop.stop_requested() || released_.load(std::memory_order_acquire);
    return over ? MonotonicTime::min() : lease->end();
  }
  void release() noexcept {
    if (!released_.exchange(true, std::memory_order_acq_rel)) on_release_();
  }

 private:
  std::atomic<bool> released_{false};
  const std::function<void()> on_release_;  ///< Must not throw.
};

}  // namespace nodepool::detail
