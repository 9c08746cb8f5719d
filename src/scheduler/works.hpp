#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "nodepool/cron.hpp"
#include "scheduler/crew.hpp"

namespace nodepool::cron {

/// What the lanes of a scheduler share. Thread-safe.
class Works {
 public:
  /// REQUIRES: the options are valid.
  Works(std::shared_ptr<INodePool> pool, const SchedulerOptions& options);

  const std::shared_ptr<INodePool> pool;
  const std::chrono::milliseconds store_timeout;

  [[nodiscard]] WallTime now() const { return clock_(); }
  [[nodiscard]] MonotonicTime store_deadline() const { return BootClock::now() + store_timeout; }

  /// An entry of the history has been written.
  void tell(const std::string& job, const HistoryEntry& entry) noexcept;
  void count_start() noexcept { started_.fetch_add(1, std::memory_order_relaxed); }
  void store_failed(const std::string& job, const Error& error) noexcept;
  void log(LogLevel level, std::string_view message, const std::string& job,
           const std::string& detail) noexcept;
  [[nodiscard]] SchedulerStats stats() const noexcept;

 private:
  static constexpr std::size_t kOutcomes = 7;

  const std::function<WallTime()> clock_;
  const std::function<void(const std::string&, const HistoryEntry&)> on_entry_;
  const Logger logger_;
  std::atomic<std::uint64_t> started_{0};
  std::atomic<std::uint64_t> store_failures_{0};
  std::array<std::atomic<std::uint64_t>, kOutcomes> ended_{};
};

}  // namespace nodepool::cron
