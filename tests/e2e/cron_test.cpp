// `nodepool cron FILE` with real processes: what its jobs find, how it follows the file, how it ends.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/parts/child.hpp"
#include "nodepool/types.hpp"
#include "support/process.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;
using namespace nodepool::cli;
using namespace nodepool::test;
using testing::HasSubstr;
using testing::Not;

class Cron : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> environment() const {
    return {"NODEPOOL_STORE=sqlite:" + folder_.path() + "/store.db"};
  }
  [[nodiscard]] std::string file() const { return folder_.path() + "/jobs.toml"; }
  [[nodiscard]] std::string diary() const { return folder_.path() + "/diary"; }
  [[nodiscard]] static std::string content(const std::string& path) {
    std::ifstream stream(path);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void write(const std::string& text) const { std::ofstream(file()) << text; }
  /// A job each second whose shell does that.
  [[nodiscard]] static std::string job(const std::string& name, const std::string& shell,
                                       const std::string& more = "") {
    return fmt::format("[jobs.{}]\nschedule = \"* * * * * *\"\nshell = '{}'\n{}\n", name, shell, more);
  }
  [[nodiscard]] Child launch(const std::string& name, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{NODEPOOL_COMMAND, "cron",  file(),    "--name", name,
                                   "--heartbeat",    "200ms", "--lease", "2s"};
    words.insert(words.end(), more.begin(), more.end());
    auto child = Child::start(words, environment());
    if (!child) throw std::runtime_error(child.error().message);
    return *std::move(child);
  }
  [[nodiscard]] Finished cron(std::vector<std::string> words) const {
    words.insert(words.begin(), "cron");
    return run_nodepool(words, environment());
  }
  [[nodiscard]] nlohmann::json history(const std::string& name) const {
    const Finished shown = cron({"history", name, "--format", "json"});
    return shown.code == 0 ? nlohmann::json::parse(shown.output) : nlohmann::json::array();
  }
  static bool wait_for(const std::string& what, const std::function<bool()>& condition) {
    const auto deadline = BootClock::now() + 30s;
    while (!condition()) {
      if (BootClock::now() >= deadline) {
        ADD_FAILURE() << "waited in vain for " << what;
        return false;
      }
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  bool wait_for_diary(const std::string& text) const {
    return wait_for(text, [&] { return content(diary()).find(text) != std::string::npos; });
  }
  static bool wait_for_log(Child& daemon, const std::string& text) {
    const bool come = wait_for(text, [&] {
      daemon.read();
      return daemon.errors().find(text) != std::string::npos;
    });
    EXPECT_TRUE(come) << daemon.errors();
    return come;
  }
  static int end_of(Child& daemon) {
    std::optional<int> code;
    wait_for("the end of the daemon", [&] {
      daemon.read();
      code = daemon.exit_code();
      return code.has_value();
    });
    return code.value_or(-1);
  }

  TemporaryFolder folder_;
};

TEST_F(Cron, JobsFindWhatTheyAreToldAndTheirOutputIsKept) {
  write(job("env",
            "env > " + diary() + ".new; cat >> " + diary() + ".new; mv " + diary() + ".new " + diary() +
                "; echo to stdout; echo to stderr >&2; exit 3",
            "input = \"some text\"\nenvironment = { COLOUR = \"blue\" }\ndirectory = \"/usr\""));
  Child daemon = launch("web-1");
  ASSERT_TRUE(wait_for_log(daemon, "line=\"to stderr\""));
  ASSERT_TRUE(wait_for_log(daemon, "detail=\"exit code 3\""));
  const std::string env = content(diary());
  for (const char* line :
       {"NODEPOOL_SERVICE=cron\n", "NODEPOOL_NODE=web-1\n", "NODEPOOL_JOB=env\n", "NODEPOOL_ATTEMPT=1\n",
        "NODEPOOL_TOKEN=1", "NODEPOOL_SCHEDULED_AT=20", "COLOUR=blue\n", "PWD=/usr\n", "some text"})
    EXPECT_THAT(env, HasSubstr(line));
  daemon.signal(SIGTERM);
  EXPECT_EQ(end_of(daemon), 0) << daemon.errors();
  const auto entries = history("env");
  ASSERT_FALSE(entries.empty());
  EXPECT_EQ(entries[0]["outcome"], "failed");
  EXPECT_EQ(entries[0]["detail"], "to stdout\nto stderr\nexit code 3");
  EXPECT_EQ(entries[0]["node"], "web-1");
}

TEST_F(Cron, EachInstantRunsOnOneOfTwoDaemons) {
  write(job("a", "echo $NODEPOOL_JOB $NODEPOOL_SCHEDULED_AT >> " + diary()) +
        job("b", "echo $NODEPOOL_JOB $NODEPOOL_SCHEDULED_AT >> " + diary()));
  Child one = launch("one");
  Child two = launch("two");
  ASSERT_TRUE(wait_for_log(one, "event=joined"));
  ASSERT_TRUE(wait_for_log(two, "event=joined"));
  const auto lines = [&] {
    std::ifstream stream(diary());
    std::vector<std::string> all;
    for (std::string line; std::getline(stream, line);) all.push_back(line);
    return all;
  };
  ASSERT_TRUE(wait_for("ten runs", [&] { return lines().size() >= 10; }));
  for (Child* daemon : {&one, &two}) daemon->signal(SIGTERM);
  EXPECT_EQ(end_of(one), 0);
  EXPECT_EQ(end_of(two), 0);
  std::vector<std::string> all = lines();
  std::ranges::sort(all);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
}

TEST_F(Cron, ANewFileIsFollowedAndABadOneIsNot) {
  write(job("first", "echo first >> " + diary()));
  Child daemon = launch("one");
  ASSERT_TRUE(wait_for_diary("first"));
  write(job("second", "echo second >> " + diary()));
  ASSERT_TRUE(wait_for_log(daemon, "event=reloaded"));
  ASSERT_TRUE(wait_for_diary("second"));
  write("[jobs.third]\nschedule = \"soon\"\nshell = \"true\"\n");
  ASSERT_TRUE(wait_for_log(daemon, "event=refused"));
  EXPECT_THAT(daemon.errors(), HasSubstr("jobs.toml:2:"));
  // Replaced as a whole, and told so at once.
  std::ofstream(file() + ".new") << job("fourth", "echo fourth >> " + diary());
  ASSERT_EQ(::rename((file() + ".new").c_str(), file().c_str()), 0);
  daemon.signal(SIGHUP);
  ASSERT_TRUE(wait_for_log(daemon, "why=SIGHUP jobs=1"));
  ASSERT_TRUE(wait_for_diary("fourth"));
  daemon.signal(SIGTERM);
  EXPECT_EQ(end_of(daemon), 0) << daemon.errors();
}

TEST_F(Cron, ARunningJobIsNotTouchedByANewFile) {
  write("[jobs.long]\nschedule = \"* * * * * *\"\nshell = 'echo begun >> " + diary() + "; while [ ! -e " +
        folder_.path() + "/go ]; do sleep 0.05; done; echo done >> " + diary() + "'\n");
  Child daemon = launch("one");
  ASSERT_TRUE(wait_for_diary("begun"));
  write(job("other", "echo other >> " + diary()));
  ASSERT_TRUE(wait_for_diary("other"));
  std::ofstream(folder_.path() + "/go") << "";
  ASSERT_TRUE(wait_for_diary("done"));
  daemon.signal(SIGTERM);
  EXPECT_EQ(end_of(daemon), 0) << daemon.errors();
  EXPECT_EQ(history("long")[0]["outcome"], "succeeded");
}

TEST_F(Cron, LeavingWaitsForJobsUnlessItIsAskedTwice) {
  write("[jobs.long]\nschedule = \"* * * * * *\"\nshell = 'echo begun >> " + diary() + "; while [ ! -e " +
        folder_.path() + "/go ]; do sleep 0.05; done; echo done >> " + diary() + "'\ngrace = \"20s\"\n");
  Child daemon = launch("one", {"--drain-grace", "60s"});
  ASSERT_TRUE(wait_for_diary("begun"));
  daemon.signal(SIGTERM);
  ASSERT_TRUE(wait_for_log(daemon, "event=signal"));
  EXPECT_FALSE(daemon.exit_code());
  std::ofstream(folder_.path() + "/go") << "";
  EXPECT_EQ(end_of(daemon), 0) << daemon.errors();
  EXPECT_THAT(content(diary()), HasSubstr("done"));

  ::unlink((folder_.path() + "/go").c_str());
  ::unlink(diary().c_str());
  Child hasty = launch("two", {"--drain-grace", "60s"});
  ASSERT_TRUE(wait_for_diary("begun"));
  hasty.signal(SIGTERM);
  ASSERT_TRUE(wait_for_log(hasty, "event=signal"));
  hasty.signal(SIGINT);
  EXPECT_EQ(end_of(hasty), 0) << hasty.errors();
  EXPECT_THAT(content(diary()), Not(HasSubstr("done")));
}

TEST_F(Cron, JobsAreSeenAndAskedForFromOutside) {
  write("[jobs.rare]\nschedule = \"0 0 29 2 *\"\nshell = 'echo ran >> " + diary() + "'\n" +
        job("often", "echo often >> " + diary()));
  Child daemon = launch("one");
  ASSERT_TRUE(wait_for_diary("often"));
  ASSERT_TRUE(wait_for("both", [&] {
    return nlohmann::json::parse(cron({"list", "--format", "json"}).output).size() == 2;
  }));
  const Finished list = cron({"list"});
  EXPECT_THAT(list.output, HasSubstr("rare   0 0 29 2 * UTC"));
  EXPECT_THAT(list.output, HasSubstr("02-29T00:00:00Z"));
  EXPECT_EQ(cron({"run", "rare"}).code, 0);
  ASSERT_TRUE(wait_for_diary("ran"));
  ASSERT_TRUE(wait_for("its entry", [&] { return !history("rare").empty(); }));
  EXPECT_THAT(cron({"history", "rare"}).output, HasSubstr("succeeded"));
  EXPECT_EQ(cron({"pause", "often"}).code, 0);
  EXPECT_THAT(cron({"list"}).output, HasSubstr("paused"));
  EXPECT_EQ(cron({"resume", "often"}).code, 0);
  EXPECT_THAT(cron({"list"}).output, Not(HasSubstr("paused")));
  const Finished unknown = cron({"run", "nothing"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_EQ(unknown.errors, "nodepool: no node has had a job nothing so far\n");
  // Drained from outside, it leaves by itself.
  EXPECT_EQ(run_nodepool({"drain", "cron", "one"}, environment()).code, 0);
  EXPECT_EQ(end_of(daemon), 0) << daemon.errors();
  EXPECT_EQ(cron({"forget", "rare"}).code, 0);
  EXPECT_THAT(cron({"list"}).output, Not(HasSubstr("rare")));
}

TEST_F(Cron, ADaemonThatIsKilledTakesItsCommandsAlong) {
  write(job("long", "echo $$ >> " + diary() + "; exec sleep 1000", "timeout = \"1h\""));
  Child daemon = launch("one");
  int pid = 0;
  ASSERT_TRUE(wait_for("the command", [&] {
    std::istringstream(content(diary())) >> pid;
    return pid > 0;
  }));
  daemon.signal(SIGKILL);
  EXPECT_EQ(end_of(daemon), 128 + SIGKILL);
  ASSERT_TRUE(wait_for("the end of the command", [&] { return ::kill(pid, 0) != 0; }));
  // The next daemon is not wedged by what the first has left.
  write(job("long", "echo again >> " + diary()));
  Child next = launch("two");
  ASSERT_TRUE(wait_for_diary("again"));
  next.signal(SIGTERM);
  EXPECT_EQ(end_of(next), 0) << next.errors();
  bool lost = false;
  for (const auto& entry : history("long")) lost = lost || entry["outcome"] == "lost";
  EXPECT_TRUE(lost);
}

TEST_F(Cron, WhatCannotWorkIsRefusedInOneSentence) {
  write("[jobs.a]\nschedule = \"* * * * *\"\n");
  const Finished faulty = cron({file()});
  EXPECT_EQ(faulty.code, 2) << faulty.errors;
  EXPECT_THAT(faulty.errors, HasSubstr("jobs.toml:1:"));
  EXPECT_EQ(cron({folder_.path() + "/nothing"}).code, 1);
  write(job("a", "true"));
  EXPECT_EQ(cron({file(), "--max-runs", "0"}).code, 2);
  EXPECT_EQ(cron({file(), "--grace", "10s"}).code, 2);
  EXPECT_EQ(cron({"history"}).code, 2);
  EXPECT_EQ(cron({}).code, 2);
  EXPECT_EQ(run_nodepool({"cron", file(), "--store", "redis://127.0.0.1:1", "--start-timeout", "300ms"}).code,
            1);
}

}  // namespace
