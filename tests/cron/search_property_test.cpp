// Random expressions against searches that look at every minute, second or day, one after the other.

#include <cctz/time_zone.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>

#include "cron/any_schedule.hpp"
#include "cron/texts.hpp"

namespace nodepool::cron::testing {
namespace {

using Point = cctz::time_point<cctz::seconds>;
using std::chrono::hours;
using std::chrono::seconds;

constexpr std::array kZones{"UTC",
                            "Europe/Berlin",
                            "Europe/Dublin",
                            "America/New_York",
                            "America/St_Johns",
                            "America/Sao_Paulo",
                            "Asia/Beirut",
                            "Asia/Kathmandu",
                            "Australia/Lord_Howe",
                            "Pacific/Apia",
                            "Pacific/Kwajalein",
                            "Africa/Casablanca",
                            "Antarctica/Troll"};

cctz::time_zone zone_of(const std::string& name) {
  cctz::time_zone zone;
  RC_ASSERT(cctz::load_time_zone(name, &zone));
  return zone;
}

/// An instant near a change of the zone's clock between 1975 and 2100, or anywhere if there is none.
Point any_instant(const cctz::time_zone& zone) {
  const Point earliest{seconds(157'766'400)};
  const Point anywhere = earliest + hours(*rc::gen::inRange(0, 24 * 365 * 125));
  cctz::time_zone::civil_transition change;
  const Point near = zone.next_transition(anywhere, &change) ? zone.lookup(change.to).trans : anywhere;
  return near + seconds(*rc::gen::inRange(-26 * 3600, 3 * 3600));
}

/// Looks at the instants `step` apart after `after`, none of them after `last`. A job that does not follow
/// elapsed time is due when the greatest local time so far is passed by one that fits.
std::optional<Point> slow_search(const AnySchedule& schedule, const cctz::time_zone& zone, Point after,
                                 Point last, seconds step) {
  const auto shown = [&](Point point) { return zone.lookup(point).cs; };
  Point at{after.time_since_epoch() / step * step};
  cctz::civil_second reached = shown(at);
  for (Point before = at - hours(26); before < at; before += std::chrono::minutes(1)) {
    reached = std::max(reached, shown(before));
  }
  while ((at += step) <= last) {
    const cctz::civil_second now = shown(at);
    if (schedule.follows_elapsed_time()) {
      if (schedule.fits(now)) return at;
      continue;
    }
    for (; reached < now;) {
      reached += step.count();
      if (schedule.fits(reached)) return at;
    }
  }
  return std::nullopt;
}

void compare(const AnySchedule& schedule, const std::string& zone_name, Point after, seconds window,
             seconds step) {
  const cctz::time_zone zone = zone_of(zone_name);
  RC_LOG() << schedule.text() << " in " << zone_name << " after " << text_of(after, zone_name) << '\n';
  const auto fast = Schedule::parse(schedule.text(), {.time_zone = zone_name});
  RC_ASSERT(fast.has_value());
  const std::optional<WallTime> found = fast->next(after);
  const auto wanted = slow_search(schedule, zone, after, after + window, step);
  RC_TAG(wanted ? "due" : "not due in the window");
  if (wanted) {
    RC_ASSERT(found.has_value());
    RC_ASSERT(text_of(*found, zone_name) == text_of(*wanted, zone_name));
  } else {
    // Not within the macro, which would look at both sides of the 'or'.
    const bool is_later = !found || *found > after + window;
    RC_ASSERT(is_later);
  }
}

RC_GTEST_PROP(ScheduleSearch, FindsWhatALookAtEveryMinuteFinds, ()) {
  const auto schedule = *any_schedule(Fineness::minutes);
  const std::string zone = *rc::gen::elementOf(kZones);
  compare(schedule, zone, any_instant(zone_of(zone)), hours(60), std::chrono::minutes(1));
}

RC_GTEST_PROP(ScheduleSearch, FindsWhatALookAtEverySecondFinds, ()) {
  const auto schedule = *any_schedule(Fineness::seconds);
  const std::string zone = *rc::gen::elementOf(kZones);
  compare(schedule, zone, any_instant(zone_of(zone)), hours(4), seconds(1));
}

RC_GTEST_PROP(ScheduleSearch, FindsWhatALookAtEveryDayFinds, ()) {
  const auto schedule = *any_schedule(Fineness::dates);
  const cctz::civil_day start = cctz::civil_day(1890, 1, 1) + *rc::gen::inRange(0, 365 * 250);
  RC_LOG() << schedule.text() << " after " << start << '\n';
  const auto fast = Schedule::parse(schedule.text());
  RC_ASSERT(fast.has_value());
  const cctz::time_zone utc = cctz::utc_time_zone();
  const auto found = fast->next(cctz::convert(cctz::civil_second(start), utc));
  constexpr int kDays = 365 * 9;
  cctz::civil_day day = start + 1;
  while (day < start + kDays && !schedule.fits_date(day)) ++day;
  if (day < start + kDays) {
    RC_ASSERT(found.has_value());
    RC_ASSERT(cctz::civil_day(cctz::convert(*found, utc)) == day);
  } else {
    const bool is_later = !found || cctz::civil_day(cctz::convert(*found, utc)) >= day;
    RC_ASSERT(is_later);
  }
}

}  // namespace
}  // namespace nodepool::cron::testing
