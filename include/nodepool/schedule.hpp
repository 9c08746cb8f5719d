#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "nodepool/export.hpp"
#include "nodepool/result.hpp"
#include "nodepool/types.hpp"

namespace nodepool::cron {

/// Longest expression accepted, in bytes.
inline constexpr std::size_t kMaxExpression = 1024;

/// What an expression does not say itself.
struct ParseOptions {
  /// A name of the IANA database, such as "Europe/Berlin". A prefix `CRON_TZ=` of the expression goes before
  /// it. There is no way to say "the machine's own": nodes of one fleet may be set up differently.
  std::string time_zone = "UTC";
  /// The job's name. It fixes what `~` stands for, and nothing else; an expression with `~` needs it.
  std::string job;
};

/// When a job is due: a crontab expression in a time zone. An immutable value, cheap to copy; any threads may
/// use one at once. docs/schedules.md has the language, and what happens when clocks are put forward or back.
///
/// It promises that whoever parses the same expression with the same options, on any machine and after any
/// restart, computes the same instants, as long as the machines have the same time zone data (the package
/// tzdata). It reads no clock; the data of a time zone is read from files when it is first named in a
/// process, and kept until the process ends.
///
///     const auto schedule = Schedule::parse("CRON_TZ=Europe/Berlin 30 2 * * mon-fri");
///     if (!schedule) return schedule.error();
///     for (auto due = schedule->next(now); due; due = schedule->next(*due)) announce(*due);
///     show(schedule->describe());  // at 02:30, Monday to Friday, Europe/Berlin
class NODEPOOL_EXPORT Schedule {
 public:
  /// Errors: `invalid_argument`; the message names the field, the column (bytes, from 1), what stands there
  /// and what could. A date that never comes (`0 0 30 2 *`) is no error: see `next`.
  /// Some microseconds, and a file is read if the zone is new.
  [[nodiscard]] static Result<Schedule> parse(std::string_view expression, const ParseOptions& options = {});

  /// A rule of one's own, such as what another parser has read: `rule(after)` is the first instant after
  /// `after`. It has to be the same function on all nodes, and callable from any thread. An answer that is
  /// not after `after` counts as none. `name`: what `expression` and `describe` say, and by which two
  /// schedules are told apart; at most kMaxExpression bytes of it are kept.
  [[nodiscard]] static Schedule custom(std::string name,
                                       std::function<std::optional<WallTime>(WallTime after)> rule);

  /// The first instant after `after`, never `after` itself; a whole second. None if the schedule is never due
  /// again, before the end of what WallTime can tell (the year 2262). Less than a microsecond as a rule, some
  /// microseconds for rare dates and within an hour that the clock shows twice; allocates nothing.
  [[nodiscard]] std::optional<WallTime> next(WallTime after) const;

  /// For people: "at 02:30, Monday to Friday, Europe/Berlin".
  [[nodiscard]] std::string describe() const;
  /// The zone that the fields are read in. `@every` does without, and says the one it was given.
  [[nodiscard]] const std::string& time_zone() const noexcept;
  /// As it was given, without blanks around it.
  [[nodiscard]] const std::string& expression() const noexcept;

 private:
  struct Plan;
  explicit Schedule(std::shared_ptr<const Plan> plan) noexcept;
  std::shared_ptr<const Plan> plan_;  ///< Never null.
};

}  // namespace nodepool::cron
