// What a crontab means.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/cron_texts.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;
using namespace nodepool::cli;
using nodepool::test::good_file;
using testing::ElementsAre;

CronFile crontab(std::string_view text, const CronFileOptions& options = {}) {
  return good_file(text, CronFormat::crontab, options);
}

/// The only entry of a file.
CronEntry only(std::string_view text, const CronFileOptions& options = {}) {
  CronFile file = crontab(text, options);
  if (file.entries.size() == 1) return file.entries.front();
  ADD_FAILURE() << file.entries.size() << " entries in " << text;
  return {"none", *cron::Schedule::parse("@daily"), {}, {}, 0ms, 0};
}

TEST(CrontabFile, AnEntryIsAScheduleAndALineForTheShell) {
  const CronEntry entry = only("30 2 * * 1-5   /usr/bin/backup --all | tee log\n");
  EXPECT_EQ(entry.schedule.expression(), "30 2 * * 1-5");
  EXPECT_EQ(entry.schedule.time_zone(), "UTC");
  EXPECT_THAT(entry.command.words, ElementsAre("/bin/sh", "-c", "/usr/bin/backup --all | tee log"));
  EXPECT_EQ(entry.command.user, "");
  EXPECT_EQ(entry.command.directory, "");
  EXPECT_THAT(entry.command.environment, ElementsAre());
  EXPECT_EQ(entry.command.input, "");
  EXPECT_EQ(entry.grace, 10s);
  EXPECT_EQ(entry.line, 1U);
  EXPECT_EQ(entry.policy.missed, cron::Missed::once);
}

TEST(CrontabFile, CommentsBlankLinesAndLineEndsOfAnyKindMeanNothing) {
  const CronFile file =
      crontab("# a = b\r\n\r\n \t \n  # 5 * * * * x\n#nodepool is a word\n \t0 1 * * *\tx\r\n@daily y");
  ASSERT_EQ(file.entries.size(), 2U);
  EXPECT_EQ(file.entries[0].line, 6U);
  EXPECT_EQ(file.entries[0].command.words[2], "x");
  EXPECT_EQ(file.entries[1].line, 7U);
  EXPECT_EQ(file.entries[1].schedule.expression(), "@daily");
  EXPECT_EQ(crontab("").entries.size(), 0U);
}

TEST(CrontabFile, EveryTakesTheTimeBehindIt) {
  const CronEntry entry = only("@every  1h30m   sync");
  EXPECT_EQ(entry.schedule.describe(), "every 90 minutes");
  EXPECT_EQ(entry.command.words[2], "sync");
}

TEST(CrontabFile, VariablesAreForTheEntriesBelowThem) {
  const CronFile file = crontab(
      "@daily a\nB = x\n@daily b\n'A'=1\nB=\"y \" \n@daily c\n  B =  'it\"s' \nC=\n\"D\" = # 5 % \\% "
      "$B\n@daily d\n");
  ASSERT_EQ(file.entries.size(), 4U);
  EXPECT_THAT(file.entries[0].command.environment, ElementsAre());
  EXPECT_THAT(file.entries[1].command.environment, ElementsAre("B=x"));
  EXPECT_THAT(file.entries[2].command.environment, ElementsAre("A=1", "B=y "));
  EXPECT_THAT(file.entries[3].command.environment, ElementsAre("A=1", "B=it\"s", "C=", "D=# 5 % \\% $B"));
}

TEST(CrontabFile, ShellHomeAndZonesHaveAMeaning) {
  const CronFile file = crontab(
      "SHELL=/bin/bash\nHOME=/srv\nTZ=Asia/Tokyo\nCRON_TZ=Europe/Berlin\n@daily a\nCRON_TZ=UTC\n@daily b\n",
      {.time_zone = "Asia/Kolkata"});
  ASSERT_EQ(file.entries.size(), 2U);
  const CronCommand& command = file.entries[0].command;
  EXPECT_THAT(command.words, ElementsAre("/bin/bash", "-c", "a"));
  EXPECT_EQ(command.directory, "/srv");
  EXPECT_THAT(command.environment, ElementsAre("HOME=/srv", "SHELL=/bin/bash", "TZ=Asia/Tokyo"));
  EXPECT_EQ(file.entries[0].schedule.time_zone(), "Europe/Berlin");
  EXPECT_EQ(file.entries[1].schedule.time_zone(), "UTC");
  EXPECT_EQ(only("@daily a", {.time_zone = "Asia/Kolkata"}).schedule.time_zone(), "Asia/Kolkata");
}

TEST(CrontabFile, RandomDelayIsJitterAndNoMailIsWhatThereIs) {
  const CronFile file = crontab(
      "MAILTO=\"\"\n@daily a\nRANDOM_DELAY=45\n@daily b\n# nodepool: jitter=5s\n@daily "
      "c\nRANDOM_DELAY=0\n@daily d");
  ASSERT_EQ(file.entries.size(), 4U);
  EXPECT_EQ(file.entries[0].policy.jitter, 0ms);
  EXPECT_EQ(file.entries[1].policy.jitter, 45min);
  EXPECT_EQ(file.entries[2].policy.jitter, 5s);
  EXPECT_EQ(file.entries[3].policy.jitter, 0ms);
  EXPECT_THAT(file.entries[1].command.environment, ElementsAre());
}

TEST(CrontabFile, ThePercentSignBeginsTheInput) {
  const auto split = [](const std::string& command) {
    const CronCommand read = only("@daily " + command).command;
    return std::pair(read.words[2], read.input);
  };
  EXPECT_EQ(split("a %b"), std::pair(std::string("a "), std::string("b\n")));
  EXPECT_EQ(split("a%b%c"), std::pair(std::string("a"), std::string("b\nc\n")));
  EXPECT_EQ(split("a%b%"), std::pair(std::string("a"), std::string("b\n")));
  EXPECT_EQ(split("a%"), std::pair(std::string("a"), std::string()));
  EXPECT_EQ(split("date +\\%Y\\%m"), std::pair(std::string("date +%Y%m"), std::string()));
  EXPECT_EQ(split("a\\\\b \\n%c\\%d\\\\"), std::pair(std::string("a\\\\b \\n"), std::string("c%d\\\\\n")));
}

TEST(CrontabFile, ASystemCrontabHasAUser) {
  const CronEntry entry =
      only("17 * * * *\troot    cd / && run-parts --report /etc/cron.hourly", {.system = true});
  EXPECT_EQ(entry.command.user, "root");
  EXPECT_EQ(entry.command.words[2], "cd / && run-parts --report /etc/cron.hourly");
}

TEST(CrontabFile, ADirectiveSaysHowTheEntryBelowIsRun) {
  const CronFile file = crontab(
      "# nodepool: name=backup missed=all overlap=queue timeout=5m retries=3 retry_delay=10s\n"
      "#nodepool:jitter=30s deadline=1h on_time=1500ms history=50 grace=3s most_catch_up=7\n"
      "30 2 * * * x\n"
      "30 2 * * * y\n"
      "  #  nodepool:  missed=skip  overlap=allow\n"
      "30 2 * * * z\n");
  ASSERT_EQ(file.entries.size(), 3U);
  const CronEntry& entry = file.entries[0];
  EXPECT_EQ(entry.name, "backup");
  EXPECT_EQ(entry.line, 3U);
  EXPECT_EQ(entry.policy.missed, cron::Missed::all);
  EXPECT_EQ(entry.policy.overlap, cron::Overlap::queue);
  EXPECT_EQ(entry.policy.timeout, 5min);
  EXPECT_EQ(entry.policy.retries, 3U);
  EXPECT_EQ(entry.policy.retry_delay, 10s);
  EXPECT_EQ(entry.policy.jitter, 30s);
  EXPECT_EQ(entry.policy.deadline, 1h);
  EXPECT_EQ(entry.policy.on_time, 1500ms);
  EXPECT_EQ(entry.policy.history, 50U);
  EXPECT_EQ(entry.policy.most_catch_up, 7U);
  EXPECT_EQ(entry.grace, 3s);
  EXPECT_EQ(file.entries[1].policy.timeout, 0ms);
  EXPECT_EQ(file.entries[1].grace, 10s);
  EXPECT_EQ(file.entries[2].policy.missed, cron::Missed::skip);
  EXPECT_EQ(file.entries[2].policy.overlap, cron::Overlap::allow);
}

TEST(CrontabFile, TheNameFixesWhatTheTildeStandsFor) {
  const CronEntry one = only("# nodepool: name=one\n~ ~ * * * x");
  const auto same = cron::Schedule::parse("~ ~ * * *", {.job = "one"});
  EXPECT_EQ(one.schedule.describe(), same->describe());
  EXPECT_NE(only("~ ~ * * * x").schedule.describe(), one.schedule.describe());
}

}  // namespace
