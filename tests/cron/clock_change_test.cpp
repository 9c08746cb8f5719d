// Clocks that are put forward or back, in zones that did it in every way.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cron/texts.hpp"

namespace nodepool::cron::testing {
namespace {

using ::testing::ElementsAreArray;

struct Change {
  std::string expression;
  std::string after;
  std::vector<std::string> due;
};

void PrintTo(const Change& each, std::ostream* out) {
  *out << each.expression << " after " << each.after;
}

class ClockChange : public ::testing::TestWithParam<Change> {};

TEST_P(ClockChange, LosesNoFiringAndRepeatsNone) {
  const Change& each = GetParam();
  EXPECT_THAT(next_texts(parsed(each.expression), each.after, static_cast<int>(each.due.size())),
              ElementsAreArray(each.due));
}

// Europe/Berlin: 2024-03-31 from 02:00 to 03:00, 2024-10-27 from 03:00 back to 02:00.
INSTANTIATE_TEST_SUITE_P(
    Forward, ClockChange,
    ::testing::Values(
        Change{"CRON_TZ=Europe/Berlin 30 2 * * *",
               "2024-03-30T00:00:00+01:00",
               {"2024-03-30T02:30:00+01:00", "2024-03-31T03:00:00+02:00", "2024-04-01T02:30:00+02:00"}},
        // All that the clock jumps over is one firing, also together with what is due just then.
        Change{"CRON_TZ=Europe/Berlin */20 2 * * *",
               "2024-03-30T02:30:00+01:00",
               {"2024-03-30T02:40:00+01:00", "2024-03-31T03:00:00+02:00", "2024-04-01T02:00:00+02:00"}},
        Change{"CRON_TZ=Europe/Berlin 0,30 2,3 * * *",
               "2024-03-31T00:00:00+01:00",
               {"2024-03-31T03:00:00+02:00", "2024-03-31T03:30:00+02:00", "2024-04-01T02:00:00+02:00"}},
        Change{"CRON_TZ=Europe/Berlin 59 1 * * *",
               "2024-03-31T00:00:00+01:00",
               {"2024-03-31T01:59:00+01:00", "2024-04-01T01:59:00+02:00"}},
        Change{"CRON_TZ=Europe/Berlin 0 3 * * *",
               "2024-03-31T00:00:00+01:00",
               {"2024-03-31T03:00:00+02:00", "2024-04-01T03:00:00+02:00"}},
        Change{"CRON_TZ=Europe/Berlin 0 */2 * * *",
               "2024-03-31T00:00:00+01:00",
               {"2024-03-31T03:00:00+02:00", "2024-03-31T04:00:00+02:00"}},
        Change{"CRON_TZ=Europe/Berlin 30 30 2 * * *",
               "2024-03-31T00:00:00+01:00",
               {"2024-03-31T03:00:00+02:00", "2024-04-01T02:30:30+02:00"}},
        Change{"CRON_TZ=America/New_York 30 2 * * sun",
               "2024-03-09T00:00:00-05:00",
               {"2024-03-10T03:00:00-04:00", "2024-03-17T02:30:00-04:00"}}));

INSTANTIATE_TEST_SUITE_P(Back, ClockChange,
                         ::testing::Values(Change{"CRON_TZ=Europe/Berlin 30 2 * * *",
                                                  "2024-10-26T12:00:00+02:00",
                                                  {"2024-10-27T02:30:00+02:00", "2024-10-28T02:30:00+01:00"}},
                                           // Asked in the hour that comes a second time.
                                           Change{"CRON_TZ=Europe/Berlin * 30 2 * * *",
                                                  "2024-10-27T02:29:30+01:00",
                                                  {"2024-10-28T02:30:00+01:00"}},
                                           Change{"CRON_TZ=Europe/Berlin 30 2 * * *",
                                                  "2024-10-27T02:10:00+01:00",
                                                  {"2024-10-28T02:30:00+01:00"}},
                                           Change{"CRON_TZ=Europe/Berlin */20 2 * * *",
                                                  "2024-10-27T02:30:00+02:00",
                                                  {"2024-10-27T02:40:00+02:00", "2024-10-28T02:00:00+01:00"}},
                                           Change{"CRON_TZ=Europe/Berlin 0 2,3 * * *",
                                                  "2024-10-27T02:30:00+02:00",
                                                  {"2024-10-27T03:00:00+01:00", "2024-10-28T02:00:00+01:00"}},
                                           Change{"CRON_TZ=Europe/Berlin 0 */2 * * *",
                                                  "2024-10-27T00:30:00+02:00",
                                                  {"2024-10-27T02:00:00+02:00", "2024-10-27T04:00:00+01:00"}},
                                           Change{
                                               "CRON_TZ=America/New_York 30 1 * * *",
                                               "2024-11-03T00:00:00-04:00",
                                               {"2024-11-03T01:30:00-04:00", "2024-11-04T01:30:00-05:00"}}));

INSTANTIATE_TEST_SUITE_P(
    EveryHour, ClockChange,
    ::testing::Values(
        Change{"CRON_TZ=Europe/Berlin 30 * * * *",
               "2024-03-31T01:00:00+01:00",
               {"2024-03-31T01:30:00+01:00", "2024-03-31T03:30:00+02:00", "2024-03-31T04:30:00+02:00"}},
        Change{"CRON_TZ=Europe/Berlin @hourly",
               "2024-03-31T00:30:00+01:00",
               {"2024-03-31T01:00:00+01:00", "2024-03-31T03:00:00+02:00", "2024-03-31T04:00:00+02:00"}},
        Change{"CRON_TZ=Europe/Berlin */30 * * * *",
               "2024-10-27T02:00:00+02:00",
               {"2024-10-27T02:30:00+02:00", "2024-10-27T02:00:00+01:00", "2024-10-27T02:30:00+01:00",
                "2024-10-27T03:00:00+01:00"}},
        // A set of all hours is the same, however it is written.
        Change{"CRON_TZ=Europe/Berlin 30 0-23 * * *",
               "2024-10-27T02:00:00+02:00",
               {"2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00", "2024-10-27T03:30:00+01:00"}},
        Change{"CRON_TZ=Europe/Berlin 0 0 * 27 10 *",
               "2024-10-27T02:00:00+02:00",
               {"2024-10-27T02:00:00+01:00", "2024-10-27T03:00:00+01:00"}},
        Change{"CRON_TZ=Europe/Berlin @every 1h",
               "2024-10-27T02:00:00+02:00",
               {"2024-10-27T02:00:00+01:00", "2024-10-27T03:00:00+01:00"}},
        // Rare dates, and a change of the clock between now and then.
        Change{
            "CRON_TZ=Europe/Berlin 0 * 29 2 *", "2024-02-29T23:00:00+01:00", {"2028-02-29T00:00:00+01:00"}}));

INSTANTIATE_TEST_SUITE_P(
    HalfAnHour, ClockChange,
    ::testing::Values(
        // Lord Howe: 2024-10-06 from 02:00 to 02:30, 2024-04-07 from 02:00 back to 01:30.
        Change{"CRON_TZ=Australia/Lord_Howe 15 2 * * *",
               "2024-10-06T00:00:00+10:30",
               {"2024-10-06T02:30:00+11:00", "2024-10-07T02:15:00+11:00"}},
        Change{"CRON_TZ=Australia/Lord_Howe 45 1 * * *",
               "2024-04-07T00:00:00+11:00",
               {"2024-04-07T01:45:00+11:00", "2024-04-08T01:45:00+10:30"}},
        Change{"CRON_TZ=Australia/Lord_Howe 15,45 * * * *",
               "2024-04-07T01:30:00+11:00",
               {"2024-04-07T01:45:00+11:00", "2024-04-07T01:45:00+10:30", "2024-04-07T02:15:00+10:30"}},
        Change{"CRON_TZ=Australia/Lord_Howe 50 * * * *",
               "2024-04-07T01:30:00+11:00",
               {"2024-04-07T01:50:00+11:00", "2024-04-07T01:50:00+10:30", "2024-04-07T02:50:00+10:30"}},
        Change{"CRON_TZ=Australia/Lord_Howe 15,45 * * * *",
               "2024-10-06T01:30:00+10:30",
               {"2024-10-06T01:45:00+10:30", "2024-10-06T02:45:00+11:00"}}));

INSTANTIATE_TEST_SUITE_P(
    AtMidnight, ClockChange,
    ::testing::Values(
        // Sao Paulo: 2018-11-04 from 00:00 to 01:00, 2019-02-17 from 00:00 back to 23:00.
        Change{"CRON_TZ=America/Sao_Paulo @daily",
               "2018-11-03T12:00:00-03:00",
               {"2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"}},
        Change{"CRON_TZ=America/Sao_Paulo 30 23 * * sat",
               "2019-02-16T12:00:00-02:00",
               {"2019-02-16T23:30:00-02:00", "2019-02-23T23:30:00-03:00"}},
        Change{"CRON_TZ=America/Sao_Paulo 0 0 * * *",
               "2019-02-16T12:00:00-02:00",
               {"2019-02-17T00:00:00-03:00", "2019-02-18T00:00:00-03:00"}},
        // Beirut: 2022-03-27 from 00:00 to 01:00.
        Change{"CRON_TZ=Asia/Beirut 30 0 27 3 *", "2022-03-26T12:00:00+02:00", {"2022-03-27T01:00:00+03:00"}},
        Change{"CRON_TZ=Asia/Beirut 0 */6 * * *",
               "2022-03-26T12:00:00+02:00",
               {"2022-03-26T18:00:00+02:00", "2022-03-27T01:00:00+03:00", "2022-03-27T06:00:00+03:00"}}));

INSTANTIATE_TEST_SUITE_P(
    AWholeDay, ClockChange,
    ::testing::Values(
        // Apia had no 2011-12-30.
        Change{"CRON_TZ=Pacific/Apia 0 9 * * *",
               "2011-12-29T00:00:00-10:00",
               {"2011-12-29T09:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T09:00:00+14:00"}},
        Change{"CRON_TZ=Pacific/Apia 0 9 30 12 *",
               "2011-12-29T00:00:00-10:00",
               {"2011-12-31T00:00:00+14:00", "2012-12-30T09:00:00+14:00"}},
        Change{"CRON_TZ=Pacific/Apia @hourly",
               "2011-12-29T22:30:00-10:00",
               {"2011-12-29T23:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T01:00:00+14:00"}},
        // Kwajalein had no 1993-08-21.
        Change{"CRON_TZ=Pacific/Kwajalein 0 12 21 8 *",
               "1993-08-01T00:00:00-12:00",
               {"1993-08-22T00:00:00+12:00"}}));

INSTANTIATE_TEST_SUITE_P(FarAway, ClockChange,
                         ::testing::Values(Change{"CRON_TZ=Europe/Berlin 30 2 * * *",
                                                  "2101-03-26T12:00:00+01:00",
                                                  {"2101-03-27T03:00:00+02:00", "2101-03-28T02:30:00+02:00"}},
                                           Change{"CRON_TZ=Europe/Berlin 30 2 29 2 *",
                                                  "2096-03-01T00:00:00+01:00",
                                                  {"2104-02-29T02:30:00+01:00"}},
                                           // The last rule of a zone goes on for ever.
                                           Change{"CRON_TZ=America/New_York 30 * * * *",
                                                  "2250-11-03T01:00:00-04:00",
                                                  {"2250-11-03T01:30:00-04:00", "2250-11-03T01:30:00-05:00"}},
                                           // Local mean time, of odd seconds.
                                           Change{"CRON_TZ=America/New_York 0 0 1 1 *",
                                                  "1882-06-01T00:00:00+00:00",
                                                  {"1883-01-01T00:00:00-04:56"}}));

}  // namespace
}  // namespace nodepool::cron::testing
