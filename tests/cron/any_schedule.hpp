#pragma once

#include <cctz/civil_time.h>
#include <rapidcheck.h>

#include <functional>
#include <string>

namespace nodepool::cron::testing {

/// A field's text, and whether a value, or a date, fits it: written beside each other, so that what the text
/// means is not taken from the parser that is tested.
struct AnyField {
  std::string text;
  std::function<bool(int)> fits;
};
struct AnyDayField {
  std::string text;
  std::function<bool(cctz::civil_day)> fits;
};

/// A random expression and what it means, a local time at once.
struct AnySchedule {
  AnyField second;  ///< Its text is empty if the expression has five fields.
  AnyField minute;
  AnyField hour;
  AnyDayField day;
  AnyField month;
  AnyDayField weekday;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool fits_date(cctz::civil_day date) const;
  [[nodiscard]] bool fits(cctz::civil_second time) const;
  /// Whether it is due at every real instant of a local time, or only at the first.
  [[nodiscard]] bool follows_elapsed_time() const;
};

enum class Fineness { dates, minutes, seconds };

/// Dates: due at midnight, with the hardest day fields. Minutes and seconds: day fields that often match.
[[nodiscard]] rc::Gen<AnySchedule> any_schedule(Fineness fineness);

}  // namespace nodepool::cron::testing
