#include "scheduler/works.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <utility>
#include <vector>

namespace nodepool::cron {
namespace {

LogLevel level_of(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::succeeded:
      return LogLevel::debug;
    case Outcome::stopped:
    case Outcome::missed:
    case Outcome::overlapped:
      return LogLevel::info;
    case Outcome::failed:
    case Outcome::timed_out:
    case Outcome::lost:
      return LogLevel::warning;
  }
  return LogLevel::warning;
}

std::string text_of(WallTime time) {
  return fmt::format("{:%FT%TZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

}  // namespace

Works::Works(std::shared_ptr<INodePool> node_pool, const SchedulerOptions& options)
    : pool(std::move(node_pool)),
      store_timeout(options.store_timeout),
      clock_(options.clock ? options.clock : [] { return std::chrono::system_clock::now(); }),
      on_entry_(options.on_entry),
      logger_(options.logger) {}

void Works::tell(const std::string& job, const HistoryEntry& entry) noexcept {
  ended_.at(static_cast<std::size_t>(entry.outcome)).fetch_add(entry.count, std::memory_order_relaxed);
  try {
    if (on_entry_) on_entry_(job, entry);
    if (!logger_) return;
    const std::vector<LogField> fields{{"job", job},
                                       {"scheduled", text_of(entry.scheduled)},
                                       {"outcome", std::string(to_string(entry.outcome))},
                                       {"count", std::to_string(entry.count)},
                                       {"attempt", std::to_string(entry.attempt)},
                                       {"detail", entry.detail}};
    logger_(level_of(entry.outcome), entry.started ? "a run has ended" : "not run", fields);
  } catch (...) {
    log(LogLevel::error, "a listener has thrown", job, "on_entry, or the logger");
  }
}

void Works::store_failed(const std::string& job, const Error& error) noexcept {
  store_failures_.fetch_add(1, std::memory_order_relaxed);
  log(LogLevel::warning, "the scheduler's book cannot be read or written; trying again", job, error.message);
}

void Works::log(LogLevel level, std::string_view message, const std::string& job,
                const std::string& detail) noexcept {
  try {
    const std::array<LogField, 2> fields{{{"job", job}, {"detail", detail}}};
    if (logger_) logger_(level, message, fields);
  } catch (...) {  // There is nobody left to tell.
  }
}

SchedulerStats Works::stats() const noexcept {
  const auto count = [this](Outcome outcome) {
    return ended_.at(static_cast<std::size_t>(outcome)).load(std::memory_order_relaxed);
  };
  return {.started = started_.load(std::memory_order_relaxed),
          .succeeded = count(Outcome::succeeded),
          .failed = count(Outcome::failed),
          .timed_out = count(Outcome::timed_out),
          .stopped = count(Outcome::stopped),
          .lost = count(Outcome::lost),
          .missed = count(Outcome::missed),
          .overlapped = count(Outcome::overlapped),
          .store_failures = store_failures_.load(std::memory_order_relaxed)};
}

}  // namespace nodepool::cron
