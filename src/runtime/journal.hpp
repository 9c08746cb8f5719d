#pragma once

#include <atomic>
#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

#include "nodepool/log.hpp"
#include "nodepool/pool.hpp"

namespace nodepool {

/// Counts what happens in one pool and tells the user's log hook. Counting is thread-safe; logging belongs to
/// the pool's thread.
class Journal {
 public:
  explicit Journal(Logger logger) : logger_(std::move(logger)) {}

  struct Counters {
    std::atomic<std::uint64_t> syncs_ok{0}, syncs_failed{0}, syncs_unconfirmed{0}, hints{0}, views_adopted{0},
        leases_lost{0}, barriers{0}, store_warnings{0}, claims_made{0}, claims_revoked{0},
        callbacks_failed{0}, bugs{0};
  };
  Counters count;
  [[nodiscard]] PoolStats stats() const noexcept;

  /// What every line carries besides its own fields.
  void set_context(std::string service, std::string node);
  void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {}) noexcept;
  /// The same line again is told once in ten seconds.
  void log_repeated(LogLevel level, std::string_view message, std::initializer_list<LogField> fields,
                    MonotonicTime now) noexcept;
  /// Runs a user's callback; what it throws is counted, not passed on.
  template <class Callback>
  void guarded(Callback callback) noexcept {
    try {
      callback();
    } catch (...) {
      count.callbacks_failed.fetch_add(1, std::memory_order_relaxed);
    }
  }

 private:
  const Logger logger_;
  std::string service_;
  std::string node_;
  std::string last_line_;
  MonotonicTime last_told_;
};

}  // namespace nodepool
