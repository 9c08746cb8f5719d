#include "cron/texts.hpp"

#include <cctz/time_zone.h>
#include <gtest/gtest.h>

namespace nodepool::cron::testing {
namespace {

constexpr const char* kForm = "%Y-%m-%dT%H:%M:%S%Ez";

}  // namespace

WallTime instant(const std::string& text) {
  cctz::time_point<cctz::seconds> point;
  EXPECT_TRUE(cctz::parse(kForm, text, cctz::utc_time_zone(), &point)) << text;
  return WallTime(point);
}

std::string text_of(WallTime instant, const std::string& zone) {
  cctz::time_zone loaded;
  EXPECT_TRUE(cctz::load_time_zone(zone, &loaded)) << zone;
  return cctz::format(kForm, instant, loaded);
}

Schedule parsed(std::string_view expression, const ParseOptions& options) {
  auto schedule = Schedule::parse(expression, options);
  EXPECT_TRUE(schedule.has_value()) << expression << ": " << schedule.error().message;
  return schedule ? *schedule : Schedule::parse("@yearly").value();
}

std::vector<std::string> next_texts(const Schedule& schedule, const std::string& after, int count) {
  std::vector<std::string> texts;
  std::optional<WallTime> due = instant(after);
  while (static_cast<int>(texts.size()) < count && (due = schedule.next(*due))) {
    texts.push_back(text_of(*due, schedule.time_zone()));
  }
  return texts;
}

}  // namespace nodepool::cron::testing
