#include "nodepool/schedule.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>
#include <variant>

#include "cron/describe.hpp"
#include "cron/every.hpp"
#include "cron/expression.hpp"
#include "cron/search.hpp"
#include "cron/zone.hpp"

namespace nodepool::cron {

namespace {
using Rule = std::function<std::optional<WallTime>(WallTime)>;
}

struct Schedule::Plan {
  std::string expression;
  std::string time_zone;
  Zone zone;
  std::variant<Fields, std::chrono::seconds, Rule> when;
};

namespace {

Instant last_instant() noexcept {
  return std::chrono::floor<std::chrono::seconds>(WallTime::max()).time_since_epoch().count();
}

tl::unexpected<Error> no_such_zone(const std::string& name, const std::optional<Piece>& prefix) {
  const std::string place = prefix ? fmt::format(" at column {}", prefix->column) : std::string();
  return refused(
      fmt::format("there is no time zone {}{}; write a name of the IANA database, such as Europe/Berlin, and "
                  "see that its data is installed (the package tzdata)",
                  quoted(name), place));
}

}  // namespace

Schedule::Schedule(std::shared_ptr<const Plan> plan) noexcept : plan_(std::move(plan)) {}

Result<Schedule> Schedule::parse(std::string_view expression, const ParseOptions& options) {
  if (expression.size() > kMaxExpression) {
    return refused(fmt::format("the expression has {} bytes; at most {} are allowed", expression.size(),
                               kMaxExpression));
  }
  const Piece text = trimmed({expression, 1});
  auto read = read_expression(text, options.job);
  if (!read) return tl::unexpected(std::move(read.error()));
  std::string zone_name = read->time_zone ? std::string(read->time_zone->text) : options.time_zone;
  const std::optional<Zone> zone = Zone::load(zone_name);
  if (!zone) return no_such_zone(zone_name, read->time_zone);
  const auto plan = [&](auto when) {
    return std::make_shared<const Plan>(Plan{std::string(text.text), std::move(zone_name), *zone, when});
  };
  return Schedule(std::visit(plan, read->when));
}

Schedule Schedule::custom(std::string name, Rule rule) {
  if (name.size() > kMaxExpression) name.resize(kMaxExpression);
  return Schedule(
      std::make_shared<const Plan>(Plan{std::move(name), "UTC", *Zone::load("UTC"), std::move(rule)}));
}

std::optional<WallTime> Schedule::next(WallTime after) const {
  const Instant start = std::chrono::floor<std::chrono::seconds>(after).time_since_epoch().count();
  const Instant last = last_instant();
  std::optional<Instant> due;
  if (const auto* rule = std::get_if<Rule>(&plan_->when)) {
    const auto next = *rule ? (*rule)(after) : std::nullopt;
    return next && *next > after ? next : std::nullopt;
  }
  if (const auto* every = std::get_if<std::chrono::seconds>(&plan_->when)) {
    due = next_multiple(*every, start);
  } else if (const auto* fields = std::get_if<Fields>(&plan_->when)) {
    due = next_instant(*fields, plan_->zone, start, last);
  }
  if (!due || *due > last) return std::nullopt;
  return WallTime(std::chrono::seconds(*due));
}

std::string Schedule::describe() const {
  if (std::holds_alternative<Rule>(plan_->when)) return plan_->expression;
  if (const auto* every = std::get_if<std::chrono::seconds>(&plan_->when)) return describe_every(*every);
  const auto* fields = std::get_if<Fields>(&plan_->when);
  return fields == nullptr ? std::string() : describe_fields(*fields) + ", " + plan_->time_zone;
}

const std::string& Schedule::time_zone() const noexcept {
  return plan_->time_zone;
}

const std::string& Schedule::expression() const noexcept {
  return plan_->expression;
}

}  // namespace nodepool::cron
