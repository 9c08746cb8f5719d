#include "runtime/journal.hpp"

#include <utility>
#include <vector>

namespace nodepool {
namespace {

constexpr std::chrono::seconds kRepeatAfter{10};

}  // namespace

PoolStats Journal::stats() const noexcept {
  const auto value = [](const std::atomic<std::uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  return {.syncs_ok = value(count.syncs_ok),
          .syncs_failed = value(count.syncs_failed),
          .syncs_unconfirmed = value(count.syncs_unconfirmed),
          .hints = value(count.hints),
          .views_adopted = value(count.views_adopted),
          .leases_lost = value(count.leases_lost),
          .barriers = value(count.barriers),
          .store_warnings = value(count.store_warnings),
          .claims_made = value(count.claims_made),
          .claims_revoked = value(count.claims_revoked),
          .callbacks_failed = value(count.callbacks_failed),
          .bugs = value(count.bugs)};
}

void Journal::set_context(std::string service, std::string node) {
  service_ = std::move(service);
  node_ = std::move(node);
}

void Journal::log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) noexcept {
  if (!logger_) return;
  guarded([&] {
    std::vector<LogField> all{{"service", service_}, {"node", node_}};
    all.insert(all.end(), fields.begin(), fields.end());
    logger_(level, message, all);
  });
}

void Journal::log_repeated(LogLevel level, std::string_view message, std::initializer_list<LogField> fields,
                           MonotonicTime now) noexcept {
  if (!logger_) return;
  std::string line(message);
  for (const LogField& field : fields) line += field.value;
  if (line == last_line_ && now < last_told_ + kRepeatAfter) return;
  last_line_ = std::move(line);
  last_told_ = now;
  log(level, message, fields);
}

}  // namespace nodepool
