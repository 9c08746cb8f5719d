// What a file of jobs in TOML means, and what is refused in it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/cron_texts.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;
using namespace nodepool::cli;
using nodepool::test::fault_texts;
using nodepool::test::good_file;
using testing::ElementsAre;

CronFile toml(std::string_view text, const CronFileOptions& options = {}) {
  return good_file(text, CronFormat::toml, options);
}

TEST(TomlFile, AJobSaysAllOfItself) {
  const CronFile file = toml(R"(time_zone = "Europe/Berlin"
[environment]
PATH = "/usr/bin:/bin"
A = "a"
[jobs.backup]
schedule = "30 2 * * *"
command = ["/usr/bin/backup", "--all", ""]
user = "backup"
directory = "/var/lib"
environment = {A = "b", C = ""}
input = "two\nlines"
missed = "all"
overlap = "queue"
timeout = "5m"
deadline = "1h"
retries = 3
retry_delay = "10s"
jitter = "30s"
on_time = "1500ms"
most_catch_up = 7
history = 50
grace = "3s"
)");
  ASSERT_EQ(file.entries.size(), 1U);
  const CronEntry& entry = file.entries[0];
  EXPECT_EQ(entry.name, "backup");
  EXPECT_EQ(entry.line, 5U);
  EXPECT_EQ(entry.schedule.describe(), "at 02:30, every day, Europe/Berlin");
  EXPECT_THAT(entry.command.words, ElementsAre("/usr/bin/backup", "--all", ""));
  EXPECT_EQ(entry.command.user, "backup");
  EXPECT_EQ(entry.command.directory, "/var/lib");
  EXPECT_THAT(entry.command.environment, ElementsAre("A=b", "C=", "PATH=/usr/bin:/bin"));
  EXPECT_EQ(entry.command.input, "two\nlines");
  EXPECT_EQ(entry.policy.missed, cron::Missed::all);
  EXPECT_EQ(entry.policy.overlap, cron::Overlap::queue);
  EXPECT_EQ(entry.policy.timeout, 5min);
  EXPECT_EQ(entry.policy.deadline, 1h);
  EXPECT_EQ(entry.policy.retries, 3U);
  EXPECT_EQ(entry.policy.retry_delay, 10s);
  EXPECT_EQ(entry.policy.jitter, 30s);
  EXPECT_EQ(entry.policy.on_time, 1500ms);
  EXPECT_EQ(entry.policy.most_catch_up, 7U);
  EXPECT_EQ(entry.policy.history, 50U);
  EXPECT_EQ(entry.grace, 3s);
}

TEST(TomlFile, WhatAJobLeavesOutIsTheDefault) {
  const CronFile file = toml("[jobs.a]\nschedule = '@every 90s'\nshell = 'sort a | uniq > b'\n");
  ASSERT_EQ(file.entries.size(), 1U);
  const CronEntry& entry = file.entries[0];
  EXPECT_THAT(entry.command.words, ElementsAre("/bin/sh", "-c", "sort a | uniq > b"));
  EXPECT_EQ(entry.command.user + entry.command.directory + entry.command.input, "");
  EXPECT_THAT(entry.command.environment, ElementsAre());
  EXPECT_EQ(entry.policy.missed, cron::JobPolicy{}.missed);
  EXPECT_EQ(entry.policy.retries, 0U);
  EXPECT_EQ(entry.grace, 10s);
  EXPECT_EQ(toml("").entries.size(), 0U);
  EXPECT_EQ(toml("[jobs]\n").entries.size(), 0U);
}

TEST(TomlFile, EntriesStandAsInTheFileWhateverTheFormOfTheirTables) {
  const CronFile file = toml(
      "jobs.z.schedule = '@daily'\njobs.z.shell = 'z'\n"
      "jobs.\"two words\" = {schedule = '@daily', shell = 'w'}\n[jobs.a]\nschedule = '@daily'\nshell = "
      "'a'\r\n");
  ASSERT_EQ(file.entries.size(), 3U);
  EXPECT_EQ(file.entries[0].name, "z");
  EXPECT_EQ(file.entries[1].name, "two words");
  EXPECT_EQ(file.entries[2].name, "a");
}

TEST(TomlFile, TheZoneIsTheJobsOrTheFilesOrThatOfTheOptions) {
  const std::string jobs =
      "[jobs.a]\nschedule = '@daily'\nshell = 'a'\n"
      "[jobs.b]\nschedule = '@daily'\nshell = 'b'\ntime_zone = 'Asia/Tokyo'\n"
      "[jobs.c]\nschedule = 'CRON_TZ=Asia/Kolkata @daily'\nshell = 'c'\ntime_zone = 'Asia/Tokyo'\n";
  const CronFile file = toml("time_zone = 'Europe/Berlin'\n" + jobs, {.time_zone = "Africa/Cairo"});
  ASSERT_EQ(file.entries.size(), 3U);
  EXPECT_EQ(file.entries[0].schedule.time_zone(), "Europe/Berlin");
  EXPECT_EQ(file.entries[1].schedule.time_zone(), "Asia/Tokyo");
  EXPECT_EQ(file.entries[2].schedule.time_zone(), "Asia/Kolkata");
  EXPECT_EQ(toml(jobs, {.time_zone = "Africa/Cairo"}).entries[0].schedule.time_zone(), "Africa/Cairo");
}

TEST(TomlFile, TextsInQuotesOfAnyKindTakeAnyCharacter) {
  const CronFile file = toml(
      "\xef\xbb\xbf# \xc2\xa7 ' \"\n[jobs.\"\xc2\xa7\"]\nschedule = '@daily'\n"
      "shell = \"\"\"\n\\\"\xc2\xa7 # \"\" ' \\\n  x\"\"\"\"\"\nuser = \"\\u00a7\"\n"
      "input = '''\\\n\xc2\xa7 . . '' '''  # \xc2\xa7\nenvironment = {A = \"\\\"\xc2\xa7\", B = '\\'}\n");
  ASSERT_EQ(file.entries.size(), 1U);
  EXPECT_EQ(file.entries[0].name, "\xc2\xa7");
  EXPECT_EQ(file.entries[0].command.words.at(2), "\"\xc2\xa7 # \"\" ' x\"\"");
  EXPECT_EQ(file.entries[0].command.user, "\xc2\xa7");
  EXPECT_EQ(file.entries[0].command.input, "\\\n\xc2\xa7 . . '' ");
  EXPECT_THAT(file.entries[0].command.environment, ElementsAre("A=\"\xc2\xa7", "B=\\"));
}

TEST(TomlFile, TheNameFixesWhatTheTildeStandsFor) {
  const CronFile file = toml("[jobs.one]\nschedule = '0 ~ ~ * * *'\nshell = 'a'\n");
  EXPECT_EQ(file.entries.at(0).schedule.describe(),
            cron::Schedule::parse("0 ~ ~ * * *", {.job = "one"})->describe());
}

struct BadToml {
  std::string text;
  std::string fault;
};

void PrintTo(const BadToml& each, std::ostream* out) {
  *out << each.text;
}

class TomlFault : public testing::TestWithParam<BadToml> {};

TEST_P(TomlFault, SaysWhatIsWrongAndWhere) {
  const auto read = parse_cron_file(GetParam().text, CronFormat::toml, {});
  EXPECT_THAT(fault_texts(read), ElementsAre(GetParam().fault)) << GetParam().text;
}

std::string deep_key(int dots) {
  std::string key = "a";
  for (int i = 0; i < dots; ++i) key += ".a";
  return key;
}
/// A job that lacks nothing, with one line more; that is line 4.
std::string job_with(const std::string& line) {
  return "[jobs.a]\nschedule = '@daily'\nshell = 'x'\n" + line + "\n";
}
/// The same with another schedule, in line 3.
std::string job_at(const std::string& schedule) {
  return "[jobs.a]\nshell = 'x'\nschedule = " + schedule + "\n";
}
/// The same with another command, in line 3.
std::string job_of(const std::string& line) {
  return "[jobs.a]\nschedule = '@daily'\n" + line + "\n";
}

const std::string kRuleKeys =
    "missed, overlap, timeout, deadline, retry_delay, jitter, on_time, retries, most_catch_up, history, "
    "grace";
const std::string kNoSuchZone =
    "there is no time zone 'Mars'; write a name of the IANA database, such as Europe/Berlin, and see that "
    "its data "
    "is installed (the package tzdata)";

INSTANTIATE_TEST_SUITE_P(
    Files, TomlFault,
    testing::Values(
        BadToml{"a = 1\nb = \n",
                "2:5: this is no TOML: Error while parsing key-value pair: expected value, saw "
                "'\\n'"},
        BadToml{"a = 1\n[b]\n[[[c]\nd = 1\n", "3:1: this is no TOML: a key is missing in this line"},
        BadToml{"foo = 1", "1:1: 'foo' is no key of a file; there are time_zone, environment and jobs"},
        BadToml{"'\xc3\xa4' = {b = 1}\n",
                "1:1: '\xc3\xa4' is no key of a file; there are time_zone, environment and jobs"},
        BadToml{"time_zone = 1", "1:13: time_zone is an integer; it takes a text, such as \"Europe/Berlin\""},
        BadToml{"time_zone = 'Mars'", "1:13: " + kNoSuchZone},
        BadToml{"environment = 'a'",
                "1:15: environment is a text; it takes a table, such as {PATH = \"/usr/bin:/bin\"}"},
        BadToml{
            "environment = {'\xc3\xa4' = ''}",
            "1:16: '\xc3\xa4' is no name of a variable; it takes letters, digits and _, and no digit first"},
        BadToml{"environment = {A = 1.5}",
                "1:20: A is a number with a fraction; it takes a text, such as \"value\""},
        BadToml{"jobs = [1]", "1:8: jobs is an array; it takes a table, such as [jobs.backup]"},
        BadToml{"jobs.a = 2020-01-01",
                "1:10: 'a' is a date or time; it takes a table, such as [jobs.backup]"},
        BadToml{"\n" + deep_key(101) + " = 1", "2:1: a key in this line has more than 100 dots"},
        BadToml{"a = {" + deep_key(101) + " = 1}", "1:1: a key in this line has more than 100 dots"},
        BadToml{deep_key(100) + " = 1",
                "1:1: 'a' is no key of a file; there are time_zone, environment and jobs"},
        BadToml{"a = 1b=\"\xc2\xa7\"", "1:9: this is no TOML: '\xc2\xa7' stands outside of quotes"},
        BadToml{"a = [0=\"\xc2\xa7\"]", "1:9: this is no TOML: '\xc2\xa7' stands outside of quotes"},
        BadToml{"a = 1979-05-27 0=\"\xc2\xa7\"",
                "1:19: this is no TOML: '\xc2\xa7' stands outside of quotes"},
        BadToml{"a = [ # \"\n \"\xc2\xa7\", [], [1, '\xc2\xa7', ], {b.\"\xc2\xa7\" = {}, \"c\" = "
                "\"\xc2\xa7\"}]\n",
                "1:1: 'a' is no key of a file; there are time_zone, environment and jobs"},
        BadToml{"a = 1\n\xc3\xa4 = 1", "2:1: this is no TOML: '\xc3\xa4' stands outside of quotes"},
        BadToml{"a = \"\"\"x\"\"\"\"\"\xc2\xa7",
                "1:14: this is no TOML: '\xc2\xa7' stands outside of quotes"},
        BadToml{"a = \"\"\"\\\n  \xc2\xa7\"\"\"",
                "2:3: this is no TOML: '\xc2\xa7' stands behind a backslash; put it before that"},
        BadToml{std::string("a = 'b\0'", 8), "1:7: there is a zero byte; a cron file is text"}));

INSTANTIATE_TEST_SUITE_P(
    Jobs, TomlFault,
    testing::Values(
        BadToml{"[jobs.a]\nshell = 'x'", "1:7: the job 'a' has no schedule"},
        BadToml{"[jobs.a]\nschedule = '@daily'",
                "1:7: the job 'a' has neither command nor shell; it takes one of them"},
        BadToml{job_with("command = ['x']"),
                "4:11: the job 'a' has both command and shell; it takes one of them"},
        BadToml{
            job_with("run = 1"),
            "4:1: 'run' is no key of a job; there are schedule, time_zone, command, shell, user, directory, "
            "environment, input, " +
                kRuleKeys},
        BadToml{
            "[jobs.'@nodepool/a']\nschedule = '@daily'\nshell = 'x'",
            "1:7: the name '@nodepool/a' begins with @nodepool/, which is kept for nodepool itself; choose "
            "another"},
        BadToml{"[jobs.\"a\\u0000\"]\nschedule = '@daily'\nshell = 'x'",
                "1:7: the job name has byte 0x00 at position 1; allowed are all but control characters"},
        BadToml{job_of("command = 'x'"),
                "3:11: command is a text; it takes an array of words, such as [\"/usr/bin/backup\", "
                "\"--all\"]; a "
                "line for the shell is the value of shell"},
        BadToml{job_of("command = []"), "3:11: command names no program; its first word does"},
        BadToml{job_of("command = ['', 'x']"), "3:11: command names no program; its first word does"},
        BadToml{job_of("command = ['x',\n 5]"),
                "4:2: a word of command is an integer; it takes a text, such as \"--all\""},
        BadToml{job_of("command = ['x', \"\\u0000\"]"),
                "3:17: there is a zero byte in this text; no program can be given one"},
        BadToml{job_of("shell = true"),
                "3:9: shell is true or false; it takes a text, such as \"sort a | uniq > b\""},
        BadToml{job_of("shell = ' '"), "3:9: shell has no command in it"},
        BadToml{job_with("user = ''"), "4:8: '' is no name of a user"},
        BadToml{job_with("user = 'a b'"), "4:8: 'a b' is no name of a user"},
        BadToml{job_with("directory = 'x'"), "4:13: directory is 'x'; it takes an absolute path"},
        BadToml{job_with("input = 1"), "4:9: input is an integer; it takes a text, such as \"text\""},
        BadToml{job_with("environment.A = \"\\u0000\""),
                "4:17: there is a zero byte in this text; no program can be given one"},
        BadToml{job_with("time_zone = 'Mars'"), "4:13: " + kNoSuchZone}));

INSTANTIATE_TEST_SUITE_P(
    Rules, TomlFault,
    testing::Values(
        BadToml{job_with("missed = 'x'"), "4:10: missed is 'x'; it takes skip, once or all"},
        BadToml{job_with("overlap = 1"), "4:11: overlap is an integer; it takes a text, such as \"queue\""},
        BadToml{job_with("timeout = 5"),
                "4:11: timeout is an integer; it takes a text, such as \"90s\" or \"5m\""},
        BadToml{job_with("timeout = '5'"),
                "4:11: timeout is '5'; it takes a whole number and its unit, such as 500ms, 1s, 2m or 1h"},
        BadToml{job_with("retries = '5'"), "4:11: retries is a text; it takes an integer"},
        BadToml{job_with("retries = -1"), "4:11: retries is '-1'; it takes a whole number"},
        BadToml{job_with("retries = 9223372036854775807"),
                "4:11: retries is '9223372036854775807'; it takes a whole number"},
        BadToml{job_with("history = 0"), "4:11: history is 0, it must be 1 to 1000"},
        BadToml{job_with("jitter = '25h'"), "4:10: jitter is 90000000 ms, it must be 0 to 86400000 ms"}));

INSTANTIATE_TEST_SUITE_P(
    Schedules, TomlFault,
    testing::Values(
        BadToml{job_at("5"), "3:12: schedule is an integer; it takes a text, such as \"30 2 * * *\""},
        BadToml{job_at("'0 61 * * * *'"), "3:15: the minute field has '61'; it takes 0 to 59"},
        BadToml{job_at("\" 0 61 * * * *\""), "3:16: the minute field has '61'; it takes 0 to 59"},
        BadToml{"jobs.\"\xc3\xa4\" = {shell = '\xc3\xb6', schedule = '61 * * * *'}",
                "1:40: the minute field has '61'; it takes 0 to 59"},
        BadToml{job_at("\"\"\"\n0 61 * * * *\"\"\""),
                "3:12: the minute field has '61' at column 3; it takes 0 to 59"},
        BadToml{job_at("\"\\u0030 61 * * * *\""),
                "3:12: the minute field has '61' at column 3; it takes 0 to 59"},
        BadToml{
            job_at("'@daily 5'"),
            "3:20: '@daily' at column 13 has nothing behind it, but '5' at column 20 is there; leave it out"},
        BadToml{job_at("'@daily x at column 9999'"),
                "3:20: '@daily' at column 13 has nothing behind it, but 'x at column 9999' at column 20 is "
                "there; "
                "leave it out"},
        BadToml{job_at("''"),
                "3:12: the expression is empty; it takes 5 fields (minute, hour, day of month, month, day of "
                "week), "
                "or 6 with the second before them, or @daily and its kin"}));

TEST(TomlFaults, AreToldAllAtOnceInTheirOrder) {
  const auto read = parse_cron_file(
      "[jobs.z]\nschedule = '61 * * * *'\nshell = 5\nretries = 'x'\n[jobs.a]\n[x]\n", CronFormat::toml, {});
  EXPECT_THAT(fault_texts(read),
              ElementsAre("2:13: the minute field has '61'; it takes 0 to 59",
                          "3:9: shell is an integer; it takes a text, such as \"sort a | uniq > b\"",
                          "4:11: retries is a text; it takes an integer",
                          "5:7: the job 'a' has neither command nor shell; it takes one of them",
                          "5:7: the job 'a' has no schedule",
                          "6:2: 'x' is no key of a file; there are time_zone, environment and jobs"));
}

}  // namespace
