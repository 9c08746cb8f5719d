#include "core/ledger_rules.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

namespace nodepool {
namespace {

Result<void> check_size(std::string_view what, std::string_view job, std::size_t size, std::size_t most) {
  if (size <= most) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("the ledger's {} for job '{}' has {} bytes; at most {} are allowed", what, job,
                             size, most));
}

}  // namespace

Result<void> validate(const LedgerUpdate& update) {
  if (auto valid = validate_job_name(update.job); !valid) return valid;
  if (auto valid = check_size("value", update.job, update.value.size(), kMaxLedgerValue); !valid) {
    return valid;
  }
  if (auto valid = check_size("entry", update.job, update.entry.size(), kMaxLedgerEntry); !valid) {
    return valid;
  }
  if (update.keep <= kMaxLedgerHistory) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("the history of job '{}' is to keep {} entries; at most {} are allowed",
                             update.job, update.keep, kMaxLedgerHistory));
}

Result<void> validate_record(const ServiceName& service, std::string_view job) {
  if (auto valid = validate(service); !valid) return valid;
  return validate_job_name(job);
}

Result<void> validate_update(const ServiceName& service, const LedgerUpdate& update) {
  if (auto valid = validate(service); !valid) return valid;
  return validate(update);
}

std::uint64_t next_version(std::uint64_t last, WallTime now) noexcept {
  const auto microseconds =
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  return std::max(last + 1, static_cast<std::uint64_t>(std::max(microseconds, decltype(microseconds){0})));
}

}  // namespace nodepool
