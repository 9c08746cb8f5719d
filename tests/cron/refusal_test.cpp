// What is refused, and what the message says.

#include <gtest/gtest.h>

#include "cron/texts.hpp"

namespace nodepool::cron::testing {
namespace {

struct Refusal {
  std::string expression;
  std::string message;
};

void PrintTo(const Refusal& each, std::ostream* out) {
  *out << each.expression;
}

class Refused : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refused, WithWhatItIsWhereItIsAndWhatCouldBe) {
  const auto schedule = Schedule::parse(GetParam().expression);
  ASSERT_FALSE(schedule.has_value());
  EXPECT_EQ(schedule.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(schedule.error().message, GetParam().message);
}

const std::string kDay = "; it takes 1 to 31, L, L-1 to L-30, LW and 1W to 31W";
const std::string kWeekday = "; it takes 0 to 7, sun to sat, 0L to 7L and 0#1 to 7#5";
const std::string kCount =
    "; it takes 5 fields (minute, hour, day of month, month, day of week), or 6 with the second before them";

INSTANTIATE_TEST_SUITE_P(
    Values, Refused,
    ::testing::Values(
        Refusal{"61 * * * *", "the minute field has '61' at column 1; it takes 0 to 59"},
        Refusal{"  61 * * * *", "the minute field has '61' at column 3; it takes 0 to 59"},
        Refusal{"60 0 0 * * *", "the second field has '60' at column 1; it takes 0 to 59"},
        Refusal{"0 24 * * *", "the hour field has '24' at column 3; it takes 0 to 23"},
        Refusal{"0 1-24 * * *", "the hour field has '24' at column 5; it takes 0 to 23"},
        Refusal{"0 0 0 * *", "the day-of-month field has '0' at column 5" + kDay},
        Refusal{"0 0 32W * *", "the day-of-month field has '32' at column 5" + kDay},
        Refusal{"0 0 1 13 *", "the month field has '13' at column 7; it takes 1 to 12 and jan to dec"},
        Refusal{"0 0 1 0 *", "the month field has '0' at column 7; it takes 1 to 12 and jan to dec"},
        Refusal{"0 0 1 foo *", "the month field has 'foo' at column 7; it takes 1 to 12 and jan to dec"},
        Refusal{"0 0 * * 8", "the day-of-week field has '8' at column 9" + kWeekday},
        Refusal{"0 0 * * friday", "the day-of-week field has 'friday' at column 9" + kWeekday},
        Refusal{"99999999999999999999 * * * *",
                "the minute field has '99999999999999999999' at column 1; it takes 0 to 59"},
        Refusal{"-1 * * * *", "the minute field has '-1' at column 1; it takes 0 to 59"},
        Refusal{"1- * * * *", "the minute field has '1-' at column 1; it takes 0 to 59"},
        Refusal{"5x * * * *", "the minute field has '5x' at column 1; it takes 0 to 59"},
        Refusal{"** * * * *", "the minute field has '**' at column 1; it takes 0 to 59"},
        Refusal{"1,,2 * * * *", "the minute field has nothing at column 3; it takes 0 to 59"},
        Refusal{"1, * * * *", "the minute field has nothing at column 3; it takes 0 to 59"},
        Refusal{"\xc3\xa4\x01 * * * *",
                "the minute field has '\\xc3\\xa4\\x01' at column 1; it takes 0 to 59"}));

INSTANTIATE_TEST_SUITE_P(
    Forms, Refused,
    ::testing::Values(
        Refusal{"*/0 * * * *", "the minute field has the step '0' at column 3; steps are 1 to 60"},
        Refusal{"*/61 * * * *", "the minute field has the step '61' at column 3; steps are 1 to 60"},
        Refusal{"*/ * * * *", "the minute field has the step '' at column 3; steps are 1 to 60"},
        Refusal{"*/5/5 * * * *", "the minute field has '*/5/5' at column 1; it takes 0 to 59"},
        Refusal{"* 22-2 * * *",
                "the hour field has the range '22-2' at column 3, which goes backwards; write it as two "
                "ranges with "
                "a comma between them"},
        Refusal{"* * * * fri-mon",
                "the day-of-week field has the range 'fri-mon' at column 9, which goes backwards; write it "
                "as two "
                "ranges with a comma between them"},
        Refusal{"L * * * *", "the minute field has 'L' at column 1; it takes 0 to 59"},
        Refusal{"? * * * *", "the minute field has '?' at column 1; it takes 0 to 59"},
        Refusal{"15W * * * *", "the minute field has '15W' at column 1; it takes 0 to 59"},
        Refusal{"* * 5#2 * *", "the day-of-month field has '5#2' at column 5" + kDay},
        Refusal{"* * 1-15W * *", "the day-of-month field has '1-15W' at column 5" + kDay},
        Refusal{"* * L-31 * *",
                "the day-of-month field has '31' after 'L-' at column 7; it takes L-1 to L-30"},
        Refusal{"* * L-x * *", "the day-of-month field has 'x' after 'L-' at column 7; it takes L-1 to L-30"},
        Refusal{"* * LL * *", "the day-of-month field has 'LL' at column 5" + kDay},
        Refusal{"* * * * L", "the day-of-week field has 'L' at column 9" + kWeekday},
        Refusal{
            "* * * * fri#6",
            "the day-of-week field has '6' after '#' at column 13; a month has a first to a fifth such day: "
            "write #1 to #5"},
        Refusal{"20~10 * * * *", "the minute field has the range '20~10' at column 1, which goes backwards"},
        Refusal{"~ * * * *",
                "the minute field has '~' at column 1, which the job's name fixes; give the name too"}));

INSTANTIATE_TEST_SUITE_P(
    Whole, Refused,
    ::testing::Values(
        Refusal{"", "the expression is empty" + kCount + ", or @daily and its kin"},
        Refusal{" \t", "the expression is empty" + kCount + ", or @daily and its kin"},
        Refusal{"CRON_TZ=UTC", "the expression is empty" + kCount + ", or @daily and its kin"},
        Refusal{"0 2 * *", "the expression has 4 fields" + kCount},
        Refusal{"nonsense", "the expression has 1 field" + kCount},
        Refusal{"0 0 2 * * ? 2024", "the expression has 7 fields" + kCount},
        Refusal{"@reboot",
                "'@reboot' at column 1 is refused: the machines of a fleet start one by one, so there is no "
                "instant at "
                "which the fleet does; give the job a time, or start it with its service"},
        Refusal{"@fortnightly",
                "'@fortnightly' at column 1 is not known; there are @yearly, @annually, @monthly, @weekly, "
                "@daily, "
                "@midnight, @hourly and @every"},
        Refusal{"@daily 5",
                "'@daily' at column 1 has nothing behind it, but '5' at column 8 is there; leave it out"},
        Refusal{
            "CRON_TZ=Mars/Olympus 0 0 * * *",
            "there is no time zone 'Mars/Olympus' at column 9; write a name of the IANA database, such as "
            "Europe/Berlin, and see that its data is installed (the package tzdata)"},
        Refusal{
            "CRON_TZ= 0 0 * * *",
            "there is no time zone '' at column 9; write a name of the IANA database, such as Europe/Berlin, "
            "and see that its data is installed (the package tzdata)"},
        Refusal{"@every",
                "@every has '' at column 7; it takes whole hours, minutes and seconds, such as 90s or 1h30m"},
        Refusal{"@every 0s", "@every has '0s' at column 8; it takes at least 1s"},
        Refusal{
            "@every 5",
            "@every has '5' at column 8; it takes whole hours, minutes and seconds, such as 90s or 1h30m"},
        Refusal{"@every 500ms",
                "@every has '500ms' at column 8; it takes whole hours, minutes and seconds, such as 90s or "
                "1h30m"},
        Refusal{
            "@every 5m1h",
            "@every has '5m1h' at column 8; it takes whole hours, minutes and seconds, such as 90s or 1h30m"},
        Refusal{
            "@every -5s",
            "@every has '-5s' at column 8; it takes whole hours, minutes and seconds, such as 90s or 1h30m"},
        Refusal{"@every 9999999h",
                "@every has '9999999h' at column 8, which is too long; at most 31 years are allowed"},
        Refusal{"@every 99999999999999999999s",
                "@every has '99999999999999999999s' at column 8; it takes whole hours, minutes and seconds, "
                "such as 90s "
                "or 1h30m"}));

TEST(Refused, IsAZoneThatWouldBeAnotherFile) {
  for (const char* zone : {"/etc/localtime", "../zoneinfo/UTC", "libc:UTC", "file:UTC", "Europe", "tzdata.zi",
                           "Fixed/UTC+05:00:00"}) {
    EXPECT_FALSE(Schedule::parse("@daily", {.time_zone = zone}).has_value()) << zone;
  }
}

TEST(Refused, IsAnEndlessExpression) {
  const auto schedule = Schedule::parse(std::string(2000, '*'));
  ASSERT_FALSE(schedule.has_value());
  EXPECT_EQ(schedule.error().message, "the expression has 2000 bytes; at most 1024 are allowed");
}

TEST(Refused, ShowsNoMoreThanTheBeginningOfALongText) {
  const auto schedule = Schedule::parse(std::string(100, 'x') + " * * * *");
  ASSERT_FALSE(schedule.has_value());
  EXPECT_EQ(schedule.error().message,
            "the minute field has '" + std::string(40, 'x') + "...' at column 1; it takes 0 to 59");
}

}  // namespace
}  // namespace nodepool::cron::testing
