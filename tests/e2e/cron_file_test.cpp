// `nodepool cron FILE --check` and `--next`, and that the manual and the examples say what is so.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/process.hpp"

namespace {

using namespace nodepool::test;
using testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kExamples = fs::path(NODEPOOL_SOURCE_DIR) / "examples/cron";

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  EXPECT_TRUE(stream.is_open()) << file;
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// A line for the shell, in the folder of the examples; both outputs together.
Finished run_line(const std::string& line) {
  const std::string path = fs::path(NODEPOOL_COMMAND).parent_path().string() + ":/usr/bin:/bin";
  return run_program({"/bin/bash", "-c", fmt::format("cd '{}' && {{ {}; }} 2>&1", kExamples.string(), line)},
                     std::chrono::seconds(20), {"PATH=" + path, "TZ=UTC"});
}

/// A "$ command" of the manual, and what it is shown to say.
struct ShownCommand {
  std::string line;
  std::string output;
};

std::vector<ShownCommand> shown_commands(const fs::path& manual) {
  std::vector<ShownCommand> commands;
  std::ifstream stream(manual);
  bool is_fenced = false;
  bool is_block = false;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("```")) {
      is_fenced = !is_fenced;
      is_block = is_fenced && line == "```";
    } else if (is_block && line.starts_with("$ ")) {
      commands.push_back({line.substr(2), {}});
    } else if (is_block && !commands.empty()) {
      commands.back().output += line + '\n';
    }
  }
  return commands;
}

TEST(CronFiles, TheManualShowsWhatTheCommandSays) {
  const auto commands = shown_commands(fs::path(NODEPOOL_SOURCE_DIR) / "docs/cron-files.md");
  int run = 0;
  for (const ShownCommand& command : commands) {
    if (command.line.find("--check") == std::string::npos &&
        command.line.find("--next") == std::string::npos) {
      continue;
    }
    EXPECT_EQ(run_line(command.line).output, command.output) << command.line;
    ++run;
  }
  EXPECT_GE(run, 5);
}

TEST(CronFiles, TheManualShowsTheExamplesAsTheyAre) {
  const std::string manual = content_of(fs::path(NODEPOOL_SOURCE_DIR) / "docs/cron-files.md");
  for (const char* name : {"fleet.crontab", "fleet.toml"}) {
    EXPECT_THAT(manual, HasSubstr("\n" + content_of(kExamples / name) + "```")) << name;
  }
}

TEST(CronFiles, AllExamplesButTheFaultyOnesHaveNoFaults) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(kExamples)) {
    const std::string name = entry.path().filename().string();
    const bool is_faulty = name.starts_with("faulty.");
    const char* system = name.starts_with("system.") ? " --system" : "";
    const Finished checked = run_line(fmt::format("nodepool cron {} --check{}", name, system));
    EXPECT_EQ(checked.code, is_faulty ? 2 : 0) << checked.output;
    const std::string verdict = is_faulty ? name + ":1?[0-9]:" : name + ": 1?[0-9] entries, no faults\n";
    EXPECT_THAT(checked.output, testing::ContainsRegex(verdict));
    ++files;
  }
  EXPECT_GE(files, 5);
}

TEST(CronFiles, FaultsGoToTheErrorOutputAndMayComeFromStandardInput) {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/jobs";
  std::ofstream(file) << "61 * * * * x\n[jobs]\n";
  const Finished named = run_nodepool({"cron", file, "--check"});
  EXPECT_EQ(named.code, 2);
  EXPECT_EQ(named.output, "");
  EXPECT_THAT(named.errors,
              testing::StartsWith(file + ":1:1: the minute field has '61'; it takes 0 to 59\n"));
  const Finished as_toml = run_nodepool({"cron", file, "--check", "--syntax", "toml"});
  EXPECT_THAT(as_toml.errors, HasSubstr(":1:4: this is no TOML: "));
  const Finished piped =
      run_line("echo '61 * * * * x' | nodepool cron - --next 1; echo '@daily x' | nodepool cron - --check");
  EXPECT_EQ(piped.output,
            "standard input:1:1: the minute field has '61'; it takes 0 to 59\n"
            "standard input: 1 entry, no faults\n");
}

TEST(CronFiles, NextStartsNowAndGoesOnInOrder) {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/a.crontab";
  std::ofstream(file)
      << "# nodepool: name=tick\n@every 1s x\nCRON_TZ=Asia/Tokyo\n# nodepool: name=tock\n@every 2s y\n";
  const Finished shown =
      run_nodepool({"cron", file, "--next", "30", "--format", "json"}, {"TZ=Europe/Berlin"});
  ASSERT_EQ(shown.code, 0) << shown.errors;
  const auto firings = nlohmann::json::parse(shown.output);
  ASSERT_EQ(firings.size(), 30U);
  std::string before;
  int tocks = 0;
  for (const auto& firing : firings) {
    EXPECT_GE(firing["at"].get<std::string>(), before);
    before = firing["at"].get<std::string>();
    EXPECT_THAT(firing["zones"]["Asia/Tokyo"].get<std::string>(), testing::EndsWith("+09:00"));
    EXPECT_THAT(firing["local"].get<std::string>(), testing::MatchesRegex(".*\\+0[12]:00"));
    tocks += firing["name"] == "tock" ? 1 : 0;
  }
  EXPECT_EQ(tocks, 10);
}

TEST(CronFiles, WrongUseIsExitCodeTwoAndOneSentence) {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/a.toml";
  std::ofstream(file) << "";
  const std::vector<std::vector<std::string>> calls{
      {"cron"},
      {"cron", file, "--next", "0"},
      {"cron", file, "--next", "many"},
      {"cron", file, "--next", "1", "--check"},
      {"cron", file, "--check", "--after", "2026-01-01T00:00:00Z"},
      {"cron", file, "--next", "1", "--after", "soon"},
      {"cron", file, "--check", "--syntax", "yaml"},
      {"cron", file, "--check", "--time-zone", "Mars"},
      {"cron", file, "--check", "--system"},
      {"cron", folder.path(), "--check"},
      {"cron", file, file, "--check"}};
  for (const auto& call : calls) {
    const Finished finished = run_nodepool(call);
    EXPECT_EQ(finished.code, 2) << fmt::format("{}", fmt::join(call, " "));
    EXPECT_EQ(finished.output, "");
    EXPECT_THAT(finished.errors, testing::MatchesRegex("nodepool: [^\n]*\n"));
  }
  const Finished missing = run_nodepool({"cron", folder.path() + "/missing", "--check"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.errors, HasSubstr("cannot be read: No such file or directory"));
}

}  // namespace
