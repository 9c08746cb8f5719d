// What is refused in a crontab, where, and what is said. One file for each fault.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/cron_texts.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::cli;
using nodepool::test::fault_texts;
using testing::ElementsAre;

struct BadCrontab {
  std::string text;
  std::string fault;
  bool system = false;
};

void PrintTo(const BadCrontab& each, std::ostream* out) {
  *out << each.text;
}

class CrontabFault : public testing::TestWithParam<BadCrontab> {};

TEST_P(CrontabFault, SaysWhatIsWrongAndWhere) {
  const auto read = parse_cron_file(GetParam().text, CronFormat::crontab, {.system = GetParam().system});
  EXPECT_THAT(fault_texts(read), ElementsAre(GetParam().fault)) << GetParam().text;
}

const std::string kKeys =
    "there are name, missed, overlap, timeout, deadline, retry_delay, jitter, on_time, retries, "
    "most_catch_up, "
    "history, grace";
const std::string kNoZone =
    "write a name of the IANA database, such as Europe/Berlin, and see that its data is installed (the "
    "package "
    "tzdata)";
const std::string kUnits = "it takes a whole number and its unit, such as 500ms, 1s, 2m or 1h";

INSTANTIATE_TEST_SUITE_P(
    Entries, CrontabFault,
    testing::Values(
        BadCrontab{"61 * * * * x", "1:1: the minute field has '61'; it takes 0 to 59"},
        BadCrontab{"\n  0\t24 * * * x", "2:5: the hour field has '24'; it takes 0 to 23"},
        BadCrontab{
            "0 22-2 * * * x",
            "1:3: the hour field has the range '22-2', which goes backwards; write it as two ranges with a "
            "comma between them"},
        BadCrontab{"* * * *",
                   "1:1: an entry has 5 fields (minute, hour, day of month, month, day of week) and then its "
                   "command; here are only 4 words"},
        BadCrontab{"word",
                   "1:1: an entry has 5 fields (minute, hour, day of month, month, day of week) and then its "
                   "command; here are only 1 words"},
        BadCrontab{"* * * * *  ", "1:12: there is no command behind the schedule"},
        BadCrontab{"@daily", "1:7: there is no command behind the schedule"},
        BadCrontab{"@daily %text", "1:8: there is no command behind the schedule"},
        BadCrontab{
            "@reboot x",
            "1:1: '@reboot' is refused: the machines of a fleet start one by one, so there is no instant at "
            "which the fleet does; give the job a time, or start it with its service"},
        BadCrontab{"@weakly x",
                   "1:1: '@weakly' is not known; there are @yearly, @annually, @monthly, @weekly, @daily, "
                   "@midnight, "
                   "@hourly and @every"},
        BadCrontab{" @every 5 x",
                   "1:9: @every has '5'; it takes whole hours, minutes and seconds, such as 90s or 1h30m"},
        BadCrontab{
            "0 3 2 * * * x",
            "1:11: the command begins with '*', which looks like a sixth field; a crontab has five, and only "
            "files in TOML have seconds"},
        BadCrontab{"@daily /bin/x y",
                   "1:8: '/bin/x' is no name of a user; in a system crontab one stands between the "
                   "schedule and the command",
                   true},
        BadCrontab{"@daily root", "1:12: there is no command behind the schedule", true}));

INSTANTIATE_TEST_SUITE_P(
    Variables, CrontabFault,
    testing::Values(
        BadCrontab{"1A = b",
                   "1:1: '1A' is no name of a variable; it takes letters, digits and _, and no digit first"},
        BadCrontab{"'A B' = b",
                   "1:1: 'A B' is no name of a variable; it takes letters, digits and _, and no digit first"},
        BadCrontab{"A = 'b", "1:5: the quote ' that begins the value has no end"},
        BadCrontab{
            "A = 'b' c",
            "1:9: the value ends with its closing quote, but more stands behind it; put all into quotes"},
        BadCrontab{"CRON_TZ=Mars", "1:9: there is no time zone 'Mars'; " + kNoZone},
        BadCrontab{"CRON_TZ=", "1:9: there is no time zone ''; " + kNoZone},
        BadCrontab{"CRON_TZ=UTC @daily x",
                   "1:9: CRON_TZ=ZONE is a line of its own, for the entries below it"},
        BadCrontab{
            "TZ=UTC @daily x",
            "1:4: this is no time zone; an entry stands on a line of its own, below a line CRON_TZ=ZONE"},
        BadCrontab{"MAILTO=root",
                   "1:8: no mail is sent: the end of a run's output is kept in the job's history; write "
                   "MAILTO=\"\""},
        BadCrontab{"LOGNAME=root", "1:9: LOGNAME cannot be set: it is the user that the command runs as"},
        BadCrontab{"SHELL=bash",
                   "1:7: this is no absolute path, and which folder it would start from is not known"},
        BadCrontab{"HOME=",
                   "1:6: this is no absolute path, and which folder it would start from is not known"},
        BadCrontab{"RANDOM_DELAY=1h", "1:14: RANDOM_DELAY is '1h'; it takes whole minutes, 0 to 1440"},
        BadCrontab{"RANDOM_DELAY=1441", "1:14: RANDOM_DELAY is '1441'; it takes whole minutes, 0 to 1440"}));

INSTANTIATE_TEST_SUITE_P(
    Directives, CrontabFault,
    testing::Values(
        BadCrontab{"# nodepool: timout=4\n@daily x", "1:13: 'timout' is no key; " + kKeys},
        BadCrontab{"# nodepool: fast\n@daily x", "1:13: 'fast' is no key; " + kKeys},
        BadCrontab{"# nodepool: name\n@daily x", "1:13: name has no value; write name=VALUE"},
        BadCrontab{"# nodepool: retries=1\n# nodepool: retries=1\n@daily x",
                   "2:13: retries is said twice of one entry"},
        BadCrontab{"# nodepool: name=\n@daily x", "1:18: the job name is empty"},
        BadCrontab{
            "# nodepool: name=@nodepool/x\n@daily x",
            "1:18: the name '@nodepool/x' begins with @nodepool/, which is kept for nodepool itself; choose "
            "another"},
        BadCrontab{"# nodepool: name=a\n@daily x\n\n# nodepool: name=a\n@daily y",
                   "4:18: the name 'a' is given in line 1 already"},
        BadCrontab{"# nodepool: missed=never\n@daily x",
                   "1:20: missed is 'never'; it takes skip, once or all"},
        BadCrontab{"# nodepool: overlap=\n@daily x", "1:21: overlap is ''; it takes forbid, queue or allow"},
        BadCrontab{"# nodepool: timeout=5\n@daily x", "1:21: timeout is '5'; " + kUnits},
        BadCrontab{"# nodepool: retries=x\n@daily x", "1:21: retries is 'x'; it takes a whole number"},
        BadCrontab{"# nodepool: retries=101\n@daily x", "1:21: retries is 101, it must be 0 to 100"},
        BadCrontab{"# nodepool: on_time=99ms\n@daily x",
                   "1:21: on_time is 99 ms, it must be 100 to 60000 ms"},
        BadCrontab{"# nodepool: grace=2h\n@daily x", "1:19: grace is 7200000 ms, it must be 0 to 3600000 ms"},
        BadCrontab{"# nodepool: name=a",
                   "1:1: a '# nodepool:' line stands directly above its entry; there is none"},
        BadCrontab{"# nodepool: name=a\n\n@daily x",
                   "1:1: a '# nodepool:' line stands directly above its entry; there is none"},
        BadCrontab{" # nodepool: name=a\nA=b\n@daily x",
                   "1:2: a '# nodepool:' line stands directly above its entry; there is none"},
        BadCrontab{"# nodepool: name=a\n# a comment\n@daily x",
                   "1:1: a '# nodepool:' line stands directly above its entry; there is none"},
        BadCrontab{"# nodepool name=a\n@daily x",
                   "1:1: a line that says how an entry is run begins with '# nodepool:'"},
        BadCrontab{"#Nodepool: name=a\n@daily x",
                   "1:1: a line that says how an entry is run begins with '# nodepool:'"}));

INSTANTIATE_TEST_SUITE_P(
    Bytes, CrontabFault,
    testing::Values(
        BadCrontab{std::string("@daily x\nab\0c", 13), "2:3: there is a zero byte; a cron file is text"},
        BadCrontab{"@daily x\n@daily \xff\n61 * * * * x",
                   "2:1: this line is no UTF-8; save the file in this encoding"},
        BadCrontab{"@daily x\n6\x1b * * * * x", "2:1: the minute field has '6\\x1b'; it takes 0 to 59"},
        BadCrontab{"# nodepool: " + std::string(100, 'k') + "\xc3\xa4=\n@daily x",
                   "1:13: '" + std::string(60, 'k') + "...' is no key; " + kKeys},
        BadCrontab{"# nodepool: " + std::string(59, 'k') + "\xc3\xa4=\n@daily x",
                   "1:13: '" + std::string(59, 'k') + "...' is no key; " + kKeys}));

TEST(CrontabFaults, AreToldAllAtOnceInTheirOrder) {
  const auto read = parse_cron_file(
      "# nodepool: name=a retries=x\n61 * * * *\nSHELL=bash\n# nodepool: name=a\n0 24 * * * x\nMAILTO=me\n",
      CronFormat::crontab, {});
  EXPECT_THAT(
      fault_texts(read),
      ElementsAre(
          "1:28: retries is 'x'; it takes a whole number", "2:1: the minute field has '61'; it takes 0 to 59",
          "2:11: there is no command behind the schedule",
          "3:7: this is no absolute path, and which folder it would start from is not known",
          "4:18: the name 'a' is given in line 1 already", "5:3: the hour field has '24'; it takes 0 to 23",
          "6:8: no mail is sent: the end of a run's output is kept in the job's history; write "
          "MAILTO=\"\""));
}

}  // namespace
