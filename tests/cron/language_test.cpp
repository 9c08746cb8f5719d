// What each form of an expression means, in a zone without changes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cron/texts.hpp"

namespace nodepool::cron::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

struct Case {
  std::string expression;
  std::vector<std::string> due;  ///< After `after`, which is the start of 2024 if it is not given.
  std::string after = "2023-12-31T23:59:59+00:00";
};

void PrintTo(const Case& each, std::ostream* out) {
  *out << each.expression;
}

/// "2024-01-01 00:00" for what has no seconds.
std::string readable(const std::string& text) {
  const std::string time = text.substr(0, 10) + " " + text.substr(11, 8);
  return time.ends_with(":00") ? time.substr(0, 16) : time;
}

class Language : public ::testing::TestWithParam<Case> {};

TEST_P(Language, MeansTheseInstants) {
  const Case& each = GetParam();
  std::vector<std::string> due;
  for (const auto& text :
       next_texts(parsed(each.expression), each.after, static_cast<int>(each.due.size()))) {
    due.push_back(readable(text));
  }
  EXPECT_THAT(due, ElementsAreArray(each.due));
}

INSTANTIATE_TEST_SUITE_P(
    Times, Language,
    ::testing::Values(
        Case{"* * * * *", {"2024-01-01 00:00", "2024-01-01 00:01"}},
        Case{"  *\t* * *   * ", {"2024-01-01 00:00", "2024-01-01 00:01"}},
        Case{"30 2 * * *", {"2024-01-01 02:30", "2024-01-02 02:30"}},
        Case{"*/25 3 * * *",
             {"2024-01-01 03:00", "2024-01-01 03:25", "2024-01-01 03:50", "2024-01-02 03:00"}},
        Case{"1-30/14 0 * * *",
             {"2024-01-01 00:01", "2024-01-01 00:15", "2024-01-01 00:29", "2024-01-02 00:01"}},
        Case{"5/25 0 * * *",
             {"2024-01-01 00:05", "2024-01-01 00:30", "2024-01-01 00:55", "2024-01-02 00:05"}},
        Case{"7,3,5-6 0 * * *",
             {"2024-01-01 00:03", "2024-01-01 00:05", "2024-01-01 00:06", "2024-01-01 00:07"}},
        Case{"0 22-23,0 * * *",
             {"2024-01-01 00:00", "2024-01-01 22:00", "2024-01-01 23:00", "2024-01-02 00:00"}},
        Case{"15,45 30 2 * * *", {"2024-01-01 02:30:15", "2024-01-01 02:30:45", "2024-01-02 02:30:15"}},
        Case{"*/40 59 23 * * *", {"2024-01-01 23:59", "2024-01-01 23:59:40", "2024-01-02 23:59"}},
        Case{"*/60 */24 * * *", {"2024-01-01 00:00", "2024-01-02 00:00"}}));

INSTANTIATE_TEST_SUITE_P(
    Days, Language,
    ::testing::Values(
        Case{"0 0 29 2 *", {"2024-02-29 00:00", "2028-02-29 00:00"}},
        Case{"0 0 29 2 *", {"2104-02-29 00:00"}, "2096-02-29T00:00:00+00:00"},
        Case{"0 0 29 2 *", {"2000-02-29 00:00"}, "1996-03-01T00:00:00+00:00"},
        Case{"0 0 31 * *", {"2024-01-31 00:00", "2024-03-31 00:00", "2024-05-31 00:00"}},
        Case{"0 0 1 jan,Jul *", {"2024-01-01 00:00", "2024-07-01 00:00", "2025-01-01 00:00"}},
        Case{"0 0 1 MAR-may *",
             {"2024-03-01 00:00", "2024-04-01 00:00", "2024-05-01 00:00", "2025-03-01 00:00"}},
        Case{"0 0 L * *", {"2024-01-31 00:00", "2024-02-29 00:00", "2024-03-31 00:00", "2024-04-30 00:00"}},
        Case{"0 0 l-3 2 *", {"2024-02-26 00:00", "2025-02-25 00:00"}},
        Case{"0 0 L-30 * *", {"2024-01-01 00:00", "2024-03-01 00:00"}},
        Case{"0 0 15W * *", {"2024-01-15 00:00", "2024-02-15 00:00", "2024-03-15 00:00"}},
        Case{"0 0 15w 6,9 *", {"2024-06-14 00:00", "2024-09-16 00:00"}},
        Case{"0 0 1W 6,9 *", {"2024-06-03 00:00", "2024-09-02 00:00"}},
        Case{"0 0 31W 3,8 *", {"2024-03-29 00:00", "2024-08-30 00:00"}},
        Case{"0 0 31W 1,4,5 *", {"2024-01-31 00:00", "2024-05-31 00:00"}},
        Case{"0 0 LW 3,6 *", {"2024-03-29 00:00", "2024-06-28 00:00"}},
        Case{"0 0 1,L,LW 6 *", {"2024-06-01 00:00", "2024-06-28 00:00", "2024-06-30 00:00"}},
        Case{"0 0 ? * mon", {"2024-01-01 00:00", "2024-01-08 00:00"}},
        Case{"0 0 * * 0", {"2024-01-07 00:00", "2024-01-14 00:00"}},
        Case{"0 0 * * 7", {"2024-01-07 00:00", "2024-01-14 00:00"}},
        Case{"0 0 * * SAT-SUN", {"2024-01-06 00:00", "2024-01-07 00:00", "2024-01-13 00:00"}},
        Case{"0 0 * * 5-7", {"2024-01-05 00:00", "2024-01-06 00:00", "2024-01-07 00:00", "2024-01-12 00:00"}},
        Case{"0 0 * * */3", {"2024-01-03 00:00", "2024-01-06 00:00", "2024-01-07 00:00", "2024-01-10 00:00"}},
        Case{"0 0 * * 5L", {"2024-01-26 00:00", "2024-02-23 00:00", "2024-03-29 00:00"}},
        Case{"0 0 * * friL,7L", {"2024-01-26 00:00", "2024-01-28 00:00", "2024-02-23 00:00"}},
        Case{"0 0 * * fri#2", {"2024-01-12 00:00", "2024-02-09 00:00"}},
        Case{"0 0 * * 0#5", {"2024-03-31 00:00", "2024-06-30 00:00"}},
        Case{"0 0 * * 7#1,mon#1",
             {"2024-01-01 00:00", "2024-01-07 00:00", "2024-02-04 00:00", "2024-02-05 00:00"}}));

INSTANTIATE_TEST_SUITE_P(
    BothDayFields, Language,
    ::testing::Values(
        // Both restricted: either of them suffices.
        Case{"0 0 13 * fri",
             {"2024-01-05 00:00", "2024-01-12 00:00", "2024-01-13 00:00", "2024-01-19 00:00"}},
        Case{"0 0 1-31 * mon", {"2024-01-01 00:00", "2024-01-02 00:00"}},
        Case{"0 0 L * mon#1", {"2024-01-01 00:00", "2024-01-31 00:00", "2024-02-05 00:00"}},
        // One begins with a star, so both must match.
        Case{"0 0 */2 * mon",
             {"2024-01-01 00:00", "2024-01-15 00:00", "2024-01-29 00:00", "2024-02-05 00:00"}},
        Case{"0 0 13 * */5",
             {"2024-09-13 00:00", "2024-10-13 00:00", "2024-12-13 00:00", "2025-04-13 00:00"}},
        Case{"0 0 ?/2 * mon", {"2024-01-01 00:00", "2024-01-15 00:00"}},
        // The longest time between two dates: 40 years, over a century without a leap day.
        Case{"0 0 */28 2 */7", {"2032-02-01 00:00"}, "2032-01-01T00:00:00+00:00"},
        Case{"0 0 ?/28 2 sun#5",
             {"2032-02-29 00:00", "2060-02-29 00:00", "2088-02-29 00:00", "2128-02-29 00:00"}}));

INSTANTIATE_TEST_SUITE_P(
    Macros, Language,
    ::testing::Values(
        Case{"@yearly", {"2024-01-01 00:00", "2025-01-01 00:00"}},
        Case{"@annually", {"2024-01-01 00:00", "2025-01-01 00:00"}},
        Case{"@monthly", {"2024-01-01 00:00", "2024-02-01 00:00"}},
        Case{"@weekly", {"2024-01-07 00:00", "2024-01-14 00:00"}},
        Case{"@daily", {"2024-01-01 00:00", "2024-01-02 00:00"}},
        Case{"@midnight", {"2024-01-01 00:00", "2024-01-02 00:00"}},
        Case{"@hourly", {"2024-01-01 00:00", "2024-01-01 01:00"}},
        Case{"@every 90s", {"2024-01-01 00:00", "2024-01-01 00:01:30", "2024-01-01 00:03"}},
        Case{"@every  1h30m", {"2024-01-01 00:00", "2024-01-01 01:30"}},
        Case{"@every 1h1m1s", {"2024-01-01 00:02:45"}},
        Case{"@every 7s", {"1969-12-31 23:59:53", "1970-01-01 00:00"}, "1969-12-31T23:59:50+00:00"}));

TEST(Schedule, IsNeverDueAtTheInstantItIsAskedAfter) {
  const Schedule schedule = parsed("30 2 * * *");
  const WallTime due = instant("2024-01-01T02:30:00+00:00");
  EXPECT_EQ(schedule.next(due - WallTime::duration(1)), due);
  EXPECT_EQ(schedule.next(due), due + std::chrono::days(1));
  EXPECT_EQ(schedule.next(due + WallTime::duration(1)), due + std::chrono::days(1));
}

TEST(Schedule, ThatNeverComesHasNoNext) {
  for (const char* expression : {"0 0 30 2 *", "0 * 30 2 *", "0 0 L-30 4 *", "0 0 30 2 */7", "0 0 31W 6 *"}) {
    EXPECT_EQ(parsed(expression).next(instant("2024-01-01T00:00:00+00:00")), std::nullopt) << expression;
  }
}

TEST(Schedule, EndsWithTheTimesThatCanBeTold) {
  for (const char* expression : {"* * * * *", "0 0 1 1 *", "@every 1h", "* * * * * *", "0 0 * * *"}) {
    for (const char* zone : {"UTC", "Europe/Berlin", "Pacific/Apia", "America/New_York"}) {
      const Schedule schedule = parsed(expression, {.time_zone = zone});
      EXPECT_EQ(schedule.next(WallTime::max()), std::nullopt) << expression << ' ' << zone;
      const auto first = schedule.next(WallTime::min());
      ASSERT_TRUE(first.has_value());
      EXPECT_LT(*first - WallTime::min(), std::chrono::days(367)) << expression << ' ' << zone;
      const auto late = schedule.next(instant("2261-06-01T00:00:00+00:00"));
      EXPECT_TRUE(late.has_value()) << expression << ' ' << zone;
    }
  }
}

TEST(Schedule, TakesTheZoneOfThePrefixBeforeThatOfTheOptions) {
  for (const char* prefix : {"CRON_TZ=", "TZ="}) {
    const Schedule schedule =
        parsed(std::string(prefix) + "Asia/Tokyo  30 2 * * *", {.time_zone = "Europe/Berlin"});
    EXPECT_EQ(schedule.time_zone(), "Asia/Tokyo");
    EXPECT_THAT(next_texts(schedule, "2024-01-01T00:00:00+00:00", 1),
                ElementsAre("2024-01-02T02:30:00+09:00"));
  }
  EXPECT_EQ(parsed("@daily", {.time_zone = "Europe/Berlin"}).time_zone(), "Europe/Berlin");
  EXPECT_THAT(next_texts(parsed("CRON_TZ=Asia/Tokyo @daily"), "2024-01-01T00:00:00+00:00", 1),
              ElementsAre("2024-01-02T00:00:00+09:00"));
}

TEST(Schedule, KeepsItsExpression) {
  EXPECT_EQ(parsed(" CRON_TZ=Asia/Tokyo  30 2 * * * ").expression(), "CRON_TZ=Asia/Tokyo  30 2 * * *");
}

/// The minute and hour of the first time after the start of 2024.
std::string first_time(const std::string& expression, const std::string& job) {
  const auto texts = next_texts(parsed(expression, {.job = job}), "2023-12-31T23:59:59+00:00", 1);
  return texts.empty() ? "none" : texts.front().substr(8, 8);
}

TEST(Tilde, IsFixedByTheNameOfTheJob) {
  // Nodes with other versions of this library must compute the same: these are for ever.
  EXPECT_EQ(first_time("~ ~ * * *", "backup"), "01T09:55");
  EXPECT_EQ(first_time("~ ~ * * *", "report"), "01T16:24");
  EXPECT_EQ(first_time("10~20 3 ~ * *", "backup"), "18T03:19");
}

TEST(Tilde, StaysWithinItsRangeAndReachesAllOfIt) {
  std::set<std::string> minutes;
  std::set<std::string> hours;
  std::set<std::string> days;
  for (int i = 0; i < 2000; ++i) {
    const std::string job = "job" + std::to_string(i);
    minutes.insert(first_time("10~20 0 1 1 *", job).substr(6, 2));
    hours.insert(first_time("0 20~ 1 1 *", job).substr(3, 2));
    days.insert(first_time("0 0 ~ * *", job).substr(0, 2));
  }
  EXPECT_EQ(minutes.size(), 11U);
  EXPECT_EQ(*minutes.begin(), "10");
  EXPECT_EQ(*minutes.rbegin(), "20");
  EXPECT_THAT(hours, ElementsAre("20", "21", "22", "23"));
  EXPECT_EQ(days.size(), 28U) << "every month has the day";
  EXPECT_EQ(*days.rbegin(), "28");
}

TEST(Tilde, ChoosesHourAndMinuteWithoutRegardToEachOther) {
  std::set<std::string> times;
  for (int i = 0; i < 20'000; ++i) times.insert(first_time("~ ~ * * *", "job" + std::to_string(i)).substr(3));
  EXPECT_EQ(times.size(), 1440U);
}

}  // namespace
}  // namespace nodepool::cron::testing
