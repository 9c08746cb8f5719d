#include "cron/any_schedule.hpp"

#include <fmt/format.h>

namespace nodepool::cron::testing {
namespace {

using cctz::civil_day;
using rc::gen::inRange;

int any(int least, int greatest) {
  return *inRange(least, greatest + 1);
}

AnyField star() {
  return {"*", [](int) { return true; }};
}

AnyField any_term(int least, int greatest) {
  const int first = any(least, greatest);
  const int last = any(first, greatest);
  const int step = any(1, greatest - least + 1);
  switch (any(0, 4)) {
    case 0:
      return {fmt::format("{}", first), [=](int value) { return value == first; }};
    case 1:
      return {fmt::format("{}-{}", first, last), [=](int value) { return first <= value && value <= last; }};
    case 2:
      return {fmt::format("{}-{}/{}", first, last, step),
              [=](int value) { return first <= value && value <= last && (value - first) % step == 0; }};
    case 3:
      return {fmt::format("{}/{}", first, step),
              [=](int value) { return first <= value && (value - first) % step == 0; }};
  }
  return {fmt::format("*/{}", step), [=](int value) { return (value - least) % step == 0; }};
}

AnyField any_list(int least, int greatest) {
  AnyField list = any_term(least, greatest);
  for (int more = any(0, 2); more > 0; --more) {
    const AnyField term = any_term(least, greatest);
    list.text += "," + term.text;
    list.fits = [=, before = list.fits](int value) { return before(value) || term.fits(value); };
  }
  return list;
}

int weekday_of(civil_day day) {
  return (static_cast<int>(cctz::get_weekday(day)) + 1) % 7;
}

bool is_workday(civil_day day) {
  return weekday_of(day) != 0 && weekday_of(day) != 6;
}

civil_day last_of_month(civil_day day) {
  return civil_day(cctz::civil_month(day) + 1) - 1;
}

/// By looking at all the days of the month: which one is nearest to the n-th?
bool is_nearest_workday(civil_day day, int n) {
  const civil_day wanted = civil_day(cctz::civil_month(day)) + (n - 1);
  if (cctz::civil_month(wanted) != cctz::civil_month(day) || !is_workday(day)) return false;
  for (const int away : {0, -1, 1, -2, 2}) {
    const civil_day near = wanted + away;
    if (is_workday(near) && cctz::civil_month(near) == cctz::civil_month(day)) return near == day;
  }
  return false;
}

AnyDayField any_special_day() {
  const int n = any(1, 31);
  switch (any(0, 3)) {
    case 0:
      return {"L", [](civil_day day) { return day == last_of_month(day); }};
    case 1:
      return {fmt::format("L-{}", std::min(n, 30)),
              [n](civil_day day) { return day + std::min(n, 30) == last_of_month(day); }};
    case 2:
      return {"LW", [](civil_day day) { return is_nearest_workday(day, last_of_month(day).day()); }};
  }
  return {fmt::format("{}W", n), [n](civil_day day) { return is_nearest_workday(day, n); }};
}

AnyDayField any_special_weekday() {
  const int weekday = any(0, 7);
  const int n = any(1, 5);
  if (any(0, 1) == 0) {
    return {fmt::format("{}L", weekday), [=](civil_day day) {
              return weekday_of(day) == weekday % 7 && cctz::civil_month(day + 7) != cctz::civil_month(day);
            }};
  }
  return {fmt::format("{}#{}", weekday, n),
          [=](civil_day day) { return weekday_of(day) == weekday % 7 && (day.day() - 1) / 7 + 1 == n; }};
}

AnyDayField by_value(const AnyField& field, int (*value)(civil_day)) {
  return {field.text, [=](civil_day day) { return field.fits(value(day)); }};
}

AnyDayField any_day_field(int least, int greatest, int (*value)(civil_day), AnyDayField (*special)()) {
  if (any(0, 2) == 0) return by_value(star(), value);
  AnyDayField field = any(0, 1) == 0 ? by_value(any_list(least, greatest), value) : special();
  if (any(0, 2) == 0) {
    const AnyDayField more = special();
    field.text += "," + more.text;
    field.fits = [=, before = field.fits](civil_day day) { return before(day) || more.fits(day); };
  }
  return field;
}

AnyField any_hour() {
  return any(0, 1) == 0 ? star() : any_list(0, 23);
}

}  // namespace

std::string AnySchedule::text() const {
  return fmt::format("{}{}{} {} {} {} {}", second.text, second.text.empty() ? "" : " ", minute.text,
                     hour.text, day.text, month.text, weekday.text);
}

bool AnySchedule::fits_date(civil_day date) const {
  if (!month.fits(date.month())) return false;
  const bool both = day.text.front() == '*' || weekday.text.front() == '*';
  const bool day_fits = day.fits(date);
  const bool weekday_fits = weekday.fits(date);
  return both ? day_fits && weekday_fits : day_fits || weekday_fits;
}

bool AnySchedule::fits(cctz::civil_second time) const {
  return second.fits(time.second()) && minute.fits(time.minute()) && hour.fits(time.hour()) &&
         fits_date(civil_day(time));
}

bool AnySchedule::follows_elapsed_time() const {
  for (int value = 0; value < 24; ++value) {
    if (!hour.fits(value)) return false;
  }
  return true;
}

rc::Gen<AnySchedule> any_schedule(Fineness fineness) {
  return rc::gen::exec([fineness] {
    const AnyField zero{"0", [](int value) { return value == 0; }};
    AnySchedule schedule;
    const bool dates = fineness == Fineness::dates;
    schedule.second = {"", zero.fits};
    if (fineness == Fineness::seconds) schedule.second = any_list(0, 59);
    schedule.minute = dates ? zero : any_list(0, 59);
    schedule.hour = dates ? zero : any_hour();
    schedule.day = any_day_field(
        1, 31, [](civil_day day) { return day.day(); }, any_special_day);
    schedule.month = any(0, dates ? 1 : 4) > 0 ? star() : any_list(1, 12);
    schedule.weekday = any_day_field(0, 6, weekday_of, any_special_weekday);
    if (!dates && any(0, 2) > 0) {
      schedule.day = by_value(star(), weekday_of);
      schedule.weekday = by_value(star(), weekday_of);
    }
    return schedule;
  });
}

}  // namespace nodepool::cron::testing
