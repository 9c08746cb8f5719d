// The names of entries that were given none: the same wherever the same file is read, and stable while others
// are edited.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "cli/parts/cron_name.hpp"
#include "nodepool/types.hpp"
#include "support/cron_texts.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::cli;
using nodepool::test::good_file;
using testing::ElementsAre;

std::vector<std::string> names_in(const std::string& text, const CronFileOptions& options = {}) {
  std::vector<std::string> names;
  for (const CronEntry& entry : good_file(text, CronFormat::crontab, options).entries) {
    EXPECT_TRUE(validate_job_name(entry.name)) << entry.name;
    names.push_back(entry.name);
  }
  return names;
}

TEST(CronName, IsAShortFormOfTheCommandAndAHash) {
  // Golden: a change of these renames the jobs of every fleet.
  EXPECT_EQ(default_name({"", "30 2 * * * UTC", "/usr/bin/backup --all"}), "backup-30c23bef");
  EXPECT_EQ(default_name({"root", "30 2 * * * UTC", "/usr/bin/backup --all"}), "backup-f9bbfa53");
}

TEST(CronName, ShowsOnlyTheWordThatIsStarted) {
  const std::vector<std::pair<std::string, std::string>> cases{{"/usr/bin/mysqldump -psecret", "mysqldump"},
                                                               {"A=b C='d' ./run.sh", "run.sh"},
                                                               {"cd /srv/app && ./run", "run"},
                                                               {"A=1 cd /srv && B=2 x", "B2"},
                                                               {"cd /srv", "cd"},
                                                               {"cd /srv &&", "cd"},
                                                               {"[ -x /bin/a ] && /bin/a", "job"},
                                                               {"\xc3\xa4\xc3\xb6", "job"},
                                                               {"/", "job"},
                                                               {"A=b", "job"},
                                                               {"@nodepool/x", "x"},
                                                               {std::string(100, 'x'), std::string(32, 'x')}};
  for (const auto& [command, shown] : cases) {
    const std::string name = default_name({"", "@daily UTC", command});
    EXPECT_EQ(name.substr(0, name.size() - 9), shown) << command;
    EXPECT_EQ(name[name.size() - 9], '-') << name;
    EXPECT_EQ(name.find_first_not_of("0123456789abcdef", name.size() - 8), std::string::npos) << name;
  }
}

TEST(CronName, DependsOnUserScheduleZoneAndCommandAndOnNothingElse) {
  const std::string plain = names_in("@daily x a").at(0);
  EXPECT_EQ(names_in("\n# text\nPATH=/bin\nSHELL=/bin/zsh\n# nodepool: retries=3\n  @daily \t x a\n@hourly y")
                .at(0),
            plain);
  EXPECT_EQ(names_in("0  0 * *\t* x").at(0), names_in("0 0 * * * x").at(0));
  EXPECT_EQ(names_in("CRON_TZ=UTC\n@daily x a").at(0), plain);
  std::vector<std::string> all{plain,
                               names_in("@hourly x a").at(0),
                               names_in("@daily x b").at(0),
                               names_in("@daily x a%in").at(0),
                               names_in("CRON_TZ=Asia/Tokyo\n@daily x a").at(0),
                               names_in("@daily root x a", {.system = true}).at(0)};
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

TEST(CronName, StaysWithItsEntryHoweverTheLinesAreOrdered) {
  std::vector<std::string> lines{
      "@daily a",        "@daily b",      "0 * * * * a", "# nodepool: name=given\n@daily c",
      "5 5 * * * d 'e'", "@every 1h a b", "@daily a"};
  std::sort(lines.begin(), lines.end());
  const auto commands_by_name = [&] {
    std::string text;
    for (const std::string& line : lines) text += line + '\n';
    std::map<std::string, std::string> commands;
    for (const CronEntry& entry : good_file(text, CronFormat::crontab).entries) {
      commands[entry.name] = entry.schedule.expression() + ' ' + entry.command.words.at(2);
    }
    return commands;
  };
  const auto first = commands_by_name();
  EXPECT_EQ(first.size(), lines.size());
  while (std::next_permutation(lines.begin(), lines.end())) ASSERT_EQ(commands_by_name(), first);
}

TEST(CronName, OfTwinsIsNumbered) {
  const std::vector<std::string> names = names_in("@daily x\n@daily x\n@daily y\n@daily x\n");
  EXPECT_EQ(names[1], names[0] + "#2");
  EXPECT_EQ(names[3], names[0] + "#3");
}

TEST(CronName, ThatWasGivenIsNeverTakenByAnotherEntry) {
  const std::string name = names_in("@daily x").at(0);
  EXPECT_THAT(names_in("@daily x\n# nodepool: name=" + name + "\n@daily y"), ElementsAre(name + "#2", name));
  EXPECT_THAT(names_in("@daily x\n@daily x\n# nodepool: name=" + name + "#2\n@daily y"),
              ElementsAre(name, name + "#3", name + "#2"));
}

}  // namespace
