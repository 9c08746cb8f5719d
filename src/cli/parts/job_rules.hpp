#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "nodepool/job_policy.hpp"
#include "nodepool/result.hpp"

/// The keys that cron files of both forms have: how a job is run, and what its command is given.

namespace nodepool::cli {

/// How a job is run, as its file says it key by key.
struct JobRules {
  cron::JobPolicy policy;
  std::chrono::milliseconds grace{10'000};
};

enum class RuleKind { word, duration, count };

/// What kind of value a key takes; none if there is no such key.
[[nodiscard]] std::optional<RuleKind> rule_kind(std::string_view key) noexcept;
/// "missed, overlap, timeout, ...": for messages.
[[nodiscard]] const std::string& rule_keys();
/// Sets one key. The error says what the key takes. REQUIRES: there is such a key.
[[nodiscard]] Result<void> set_rule(JobRules& rules, std::string_view key, const std::string& value);

/// Variables by their names.
using Variables = std::map<std::string, std::string, std::less<>>;

/// Checks a variable's name: a letter or "_", then also digits.
[[nodiscard]] Result<void> validate_variable_name(std::string_view name);
/// Checks a user's name as far as any machine can. Whether there is such a user differs between machines.
[[nodiscard]] Result<void> validate_user_name(std::string_view name);
/// Checks a name that a job was given: a job name that is none of our own.
[[nodiscard]] Result<void> validate_given_name(std::string_view name);
/// Checks that there is such a time zone.
[[nodiscard]] Result<void> validate_time_zone(const std::string& zone);

}  // namespace nodepool::cli
