// What `nodepool cron FILE` shows of a file, and how it reads one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "cli/parts/cron_preview.hpp"
#include "cli/parts/cron_source.hpp"
#include "support/cron_texts.hpp"
#include "support/process.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;
using namespace nodepool::cli;
using nodepool::test::good_file;
using testing::ElementsAre;
using testing::HasSubstr;

WallTime at(const std::string& text) {
  const auto instant = parse_instant(text);
  EXPECT_TRUE(instant) << text;
  return instant.value_or(WallTime{});
}

std::vector<std::string> firing_texts(const CronFile& file, const std::string& after, std::size_t count) {
  std::vector<std::string> texts;
  for (const Firing& firing : next_firings(file, at(after), count)) {
    texts.push_back(fmt::format("{} {}", (firing.at - at(after)) / 1s, firing.entry->command.words.at(2)));
  }
  return texts;
}

TEST(CronPreview, FirstComesWhatIsDueFirstAndThenWhatStandsFirst) {
  const CronFile file =
      good_file("@every 3s b\n@every 2s a\n@every 3s c\n0 0 30 2 * never\n", CronFormat::crontab);
  EXPECT_THAT(firing_texts(file, "2026-01-01T00:00:00Z", 8),
              ElementsAre("2 a", "3 b", "3 c", "4 a", "6 b", "6 a", "6 c", "8 a"));
  EXPECT_THAT(firing_texts(file, "2026-01-01T00:00:00Z", 1), ElementsAre("2 a"));
  EXPECT_THAT(firing_texts({}, "2026-01-01T00:00:00Z", 5), ElementsAre());
}

TEST(CronPreview, EntriesThatAreNeverDueAreNamed) {
  const CronFile file = good_file("# nodepool: name=no\n0 0 30 2 * x\n@daily y\n", CronFormat::crontab);
  const auto never = never_due(file, at("2026-01-01T00:00:00Z"));
  ASSERT_EQ(never.size(), 1U);
  EXPECT_EQ(never[0]->name, "no");
  EXPECT_THAT(preview_text(file, at("2026-01-01T00:00:00Z"), 1), HasSubstr("\nNever due: no (line 2)\n"));
}

TEST(CronPreview, InstantsAreReadWithTheirOffset) {
  EXPECT_EQ(at("1970-01-01T00:00:05Z"), WallTime(5s));
  EXPECT_EQ(at("2026-03-29T02:00:00+02:00"), at("2026-03-29T00:00:00Z"));
  for (const char* text : {"", "now", "2026-03-29", "2026-03-29T02:00:00", "2026-02-30T00:00:00Z",
                           "1969-12-31T23:59:59Z", "2263-01-01T00:00:00Z", "2026-03-29T00:00:00Zx"}) {
    EXPECT_FALSE(parse_instant(text)) << text;
  }
}

TEST(CronSource, FormatsGoByTheEndOfTheName) {
  EXPECT_EQ(cron_format_of("fleet.toml"), CronFormat::toml);
  EXPECT_EQ(cron_format_of("/etc/crontab"), CronFormat::crontab);
  EXPECT_EQ(cron_format_of("toml"), CronFormat::crontab);
  EXPECT_EQ(cron_format_of("-"), CronFormat::crontab);
}

TEST(CronSource, ReadsARegularFileUpToItsLimit) {
  const nodepool::test::TemporaryFolder folder;
  const std::string path = folder.path() + "/crontab";
  const std::string longest(kMaxCronFile, '#');
  std::ofstream(path) << longest;
  EXPECT_EQ(read_cron_text(path).value_or("none"), longest);
  std::ofstream(path, std::ios::app) << '#';
  const auto too_long = read_cron_text(path);
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(too_long.error().message, HasSubstr(path + " has more than 1048576 bytes"));
}

TEST(CronSource, RefusesWhatIsNoRegularFile) {
  const nodepool::test::TemporaryFolder folder;
  const std::string pipe = folder.path() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& path : {folder.path(), pipe, std::string("/dev/null")}) {
    const auto text = read_cron_text(path);
    ASSERT_FALSE(text) << path;
    EXPECT_EQ(text.error().message, path + " is no regular file; give one, or - for standard input");
  }
  const auto missing = read_cron_text(folder.path() + "/missing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_EQ(missing.error().message, folder.path() + "/missing cannot be read: No such file or directory");
}

}  // namespace
