#include <gtest/gtest.h>

#include "cron/texts.hpp"

namespace nodepool::cron::testing {
namespace {

struct Description {
  std::string expression;
  std::string text;
};

void PrintTo(const Description& each, std::ostream* out) {
  *out << each.expression;
}

class Describe : public ::testing::TestWithParam<Description> {};

TEST_P(Describe, SaysInEnglishWhatTheExpressionMeans) {
  EXPECT_EQ(parsed(GetParam().expression).describe(), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Times, Describe,
    ::testing::Values(
        Description{"* * * * *", "every minute, UTC"}, Description{"*/5 * * * *", "every 5 minutes, UTC"},
        Description{"*/7 * * * *", "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour, UTC"},
        Description{"@hourly", "every hour, UTC"},
        Description{"15,45 * * * *", "at minutes 15 and 45 of every hour, UTC"},
        Description{"@daily", "at 00:00, every day, UTC"},
        Description{"30 2,14 * * *", "at 02:30 and 14:30, every day, UTC"},
        Description{"15 30 2 * * *", "at 02:30:15, every day, UTC"},
        Description{"0 */2 * * *", "every 2 hours, UTC"},
        Description{"5 */2 * * *",
                    "at minute 5 of hours 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20 and 22, every day, UTC"},
        Description{"*/15 9-17 * * *", "every 15 minutes of hours 9 to 17, UTC"},
        Description{"0 9-17 * * *", "at minute 0 of hours 9 to 17, every day, UTC"},
        Description{"* 3 * * *", "every minute of hour 3, UTC"},
        Description{"* * * * * *", "every second, UTC"},
        Description{"*/10 * * * * *", "every 10 seconds, UTC"},
        Description{"5 * * * * *", "at second 5 of every minute, UTC"},
        Description{"5,10 30 * * * *", "at seconds 5 and 10 of minute 30 of every hour, UTC"},
        Description{
            "*/10 */2 3 * * *",
            "every 10 seconds of minutes 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, "
            "36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56 and 58 of hour 3, UTC"},
        Description{"* 0 3 * * *", "every second of minute 0 of hour 3, UTC"},
        Description{"@every 90s", "every 90 seconds"}, Description{"@every 1h30m", "every 90 minutes"},
        Description{"@every 60m", "every hour"}));

INSTANTIATE_TEST_SUITE_P(
    Days, Describe,
    ::testing::Values(
        Description{"CRON_TZ=Europe/Berlin 30 2 * * mon-fri", "at 02:30, Monday to Friday, Europe/Berlin"},
        Description{"0 0 * * sat,sun", "at 00:00, Saturday and Sunday, UTC"},
        Description{"0 0 * * fri-sun", "at 00:00, Friday to Sunday, UTC"},
        Description{"@weekly", "at 00:00, Sunday, UTC"},
        Description{"@monthly", "at 00:00, on day 1 of the month, UTC"},
        Description{"@yearly", "at 00:00, on day 1 of the month, in January, UTC"},
        Description{"0 0 * jan,mar-may *", "at 00:00, in January and March to May, UTC"},
        Description{"0 0 1,15,L * *", "at 00:00, on days 1 and 15 and the last day of the month, UTC"},
        Description{"0 0 L-1,L-3 * *",
                    "at 00:00, on the last day but one and the day 3 days before the last of the month, UTC"},
        Description{
            "0 0 15W,LW * *",
            "at 00:00, on the day from Monday to Friday nearest to day 15 and the last day from Monday to "
            "Friday of the month, UTC"},
        Description{"0 0 * * fri#2,5L", "at 00:00, the second Friday and the last Friday of the month, UTC"},
        Description{"0 0 * * mon,fri#2", "at 00:00, Monday and the second Friday of the month, UTC"},
        Description{"0 0 13 * fri", "at 00:00, on day 13 of the month, and also Friday, UTC"},
        Description{"0 0 13 * */5", "at 00:00, on day 13 of the month, if it is Friday or Sunday, UTC"},
        Description{"0 0 1-31 * mon", "at 00:00, every day, UTC"},
        Description{"*/5 * * * mon", "every 5 minutes, Monday, UTC"}));

}  // namespace
}  // namespace nodepool::cron::testing
