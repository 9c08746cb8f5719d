#include <gtest/gtest.h>

#include "cli/parts/duration.hpp"

namespace {

using namespace std::chrono_literals;
using nodepool::cli::format_duration;
using nodepool::cli::parse_duration;

TEST(CliDuration, ReadsANumberAndItsUnit) {
  EXPECT_EQ(parse_duration("500ms").value(), 500ms);
  EXPECT_EQ(parse_duration("1s").value(), 1s);
  EXPECT_EQ(parse_duration("2m").value(), 2min);
  EXPECT_EQ(parse_duration("1h").value(), 1h);
  EXPECT_EQ(parse_duration("0ms").value(), 0ms);
}

TEST(CliDuration, RefusesABareNumberWithAHint) {
  const auto refused = parse_duration("4");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("4s"), std::string::npos) << refused.error().message;
}

TEST(CliDuration, RefusesEverythingElse) {
  for (const char* text : {"", "s", "-1s", "-0s", "+1s", "1.5s", "1 s", "1S", "1sec", "1s ", " 1s", "1d",
                           "0x1s", "99999999999999h", "99999999999999999999999s"}) {
    EXPECT_FALSE(parse_duration(text)) << '"' << text << '"';
  }
}

TEST(CliDuration, WritesWhatItReads) {
  for (const auto duration : {0ms, 1ms, 1500ms, 4000ms, 60'000ms, 90'000ms, 3'600'000ms, 86'400'000ms}) {
    EXPECT_EQ(parse_duration(format_duration(duration)).value(), duration) << format_duration(duration);
  }
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(120'000ms), "2m");
}

}  // namespace
