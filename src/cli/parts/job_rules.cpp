#include "cli/parts/job_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "cli/parts/duration.hpp"
#include "cli/parts/file_fault.hpp"
#include "nodepool/schedule.hpp"
#include "nodepool/types.hpp"

namespace nodepool::cli {
namespace {

using cron::JobPolicy;
using std::chrono::milliseconds;

template <class Value>
struct PolicyKey {
  std::string_view key;
  Value JobPolicy::*member;
};

constexpr std::array<PolicyKey<milliseconds>, 5> kDurationKeys{{{"timeout", &JobPolicy::timeout},
                                                                {"deadline", &JobPolicy::deadline},
                                                                {"retry_delay", &JobPolicy::retry_delay},
                                                                {"jitter", &JobPolicy::jitter},
                                                                {"on_time", &JobPolicy::on_time}}};
constexpr std::array<PolicyKey<unsigned>, 3> kCountKeys{{{"retries", &JobPolicy::retries},
                                                         {"most_catch_up", &JobPolicy::most_catch_up},
                                                         {"history", &JobPolicy::history}}};

template <class Value>
struct PolicyWord {
  std::string_view word;
  Value value;
};

constexpr std::array<PolicyWord<cron::Missed>, 3> kMissedWords{
    {{"skip", cron::Missed::skip}, {"once", cron::Missed::once}, {"all", cron::Missed::all}}};
constexpr std::array<PolicyWord<cron::Overlap>, 3> kOverlapWords{
    {{"forbid", cron::Overlap::forbid}, {"queue", cron::Overlap::queue}, {"allow", cron::Overlap::allow}}};

tl::unexpected<Error> unfit(std::string message) {
  return failure(ErrorCode::invalid_argument, std::move(message));
}

template <class Keys>
auto find_key(const Keys& keys, std::string_view key) noexcept {
  return std::find_if(keys.begin(), keys.end(), [&](const auto& each) { return each.key == key; });
}

template <class Value>
Result<void> set_word(const std::array<PolicyWord<Value>, 3>& words, std::string_view key,
                      std::string_view text, Value& value) {
  for (const PolicyWord<Value>& each : words) {
    if (each.word != text) continue;
    value = each.value;
    return {};
  }
  return unfit(fmt::format("{} is {}; it takes {}, {} or {}", key, quoted_piece(text), words[0].word,
                           words[1].word, words[2].word));
}

/// Alone in a policy, a value that does not fit is the only fault, and can be told where it stands.
template <class Value>
Result<void> set_checked(JobPolicy& policy, Value JobPolicy::*member, Value value) {
  JobPolicy alone;
  alone.*member = value;
  if (auto valid = validate(alone); !valid) return valid;
  policy.*member = value;
  return {};
}

Result<milliseconds> duration_of(std::string_view key, std::string_view text) {
  auto duration = parse_duration(text);
  if (!duration) {
    return unfit(fmt::format("{} is {}; it takes a whole number and its unit, such as 500ms, 1s, 2m or 1h",
                             key, quoted_piece(text)));
  }
  return duration;
}

Result<void> set_grace(JobRules& rules, milliseconds grace) {
  constexpr milliseconds kMost = std::chrono::hours(1);
  if (grace > kMost) {
    return unfit(fmt::format("grace is {} ms, it must be 0 to {} ms", grace.count(), kMost.count()));
  }
  rules.grace = grace;
  return {};
}

Result<void> set_duration(JobRules& rules, std::string_view key, std::string_view text) {
  const auto duration = duration_of(key, text);
  if (!duration) return tl::unexpected(duration.error());
  if (key == "grace") return set_grace(rules, *duration);
  return set_checked(rules.policy, find_key(kDurationKeys, key)->member, *duration);
}

Result<void> set_count(JobRules& rules, std::string_view key, std::string_view text) {
  unsigned count = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc{} || rest != end) {
    return unfit(fmt::format("{} is {}; it takes a whole number", key, quoted_piece(text)));
  }
  return set_checked(rules.policy, find_key(kCountKeys, key)->member, count);
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::optional<RuleKind> rule_kind(std::string_view key) noexcept {
  if (key == "missed" || key == "overlap") return RuleKind::word;
  if (key == "grace" || find_key(kDurationKeys, key) != kDurationKeys.end()) return RuleKind::duration;
  if (find_key(kCountKeys, key) != kCountKeys.end()) return RuleKind::count;
  return std::nullopt;
}

const std::string& rule_keys() {
  static const std::string kKeys = [] {
    std::string keys = "missed, overlap";
    for (const auto& each : kDurationKeys) keys += fmt::format(", {}", each.key);
    for (const auto& each : kCountKeys) keys += fmt::format(", {}", each.key);
    return keys + ", grace";
  }();
  return kKeys;
}

Result<void> set_rule(JobRules& rules, std::string_view key, const std::string& value) {
  if (key == "missed") return set_word(kMissedWords, key, value, rules.policy.missed);
  if (key == "overlap") return set_word(kOverlapWords, key, value, rules.policy.overlap);
  return rule_kind(key) == RuleKind::count ? set_count(rules, key, value) : set_duration(rules, key, value);
}

Result<void> validate_variable_name(std::string_view name) {
  const bool fits = !name.empty() && is_letter(name.front()) &&
                    std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c); });
  if (fits) return {};
  return unfit(fmt::format("{} is no name of a variable; it takes letters, digits and _, and no digit first",
                           quoted_piece(name)));
}

Result<void> validate_user_name(std::string_view name) {
  const auto fits = [](char c) {
    return is_letter(c) || is_digit(c) || c == '.' || c == '-' || static_cast<unsigned char>(c) >= 0x80;
  };
  if (!name.empty() && name.front() != '-' && std::ranges::all_of(name, fits)) return {};
  return unfit(fmt::format("{} is no name of a user", quoted_piece(name)));
}

Result<void> validate_given_name(std::string_view name) {
  constexpr std::string_view kOurs = "@nodepool/";
  if (!name.starts_with(kOurs)) return validate_job_name(name);
  return unfit(fmt::format("the name {} begins with {}, which is kept for nodepool itself; choose another",
                           quoted_piece(name), kOurs));
}

Result<void> validate_time_zone(const std::string& zone) {
  return cron::Schedule::parse("@daily", {.time_zone = zone, .job = {}}).map([](const cron::Schedule&) {});
}

}  // namespace nodepool::cli
