// Commands behind guardians from a nursery, many at once, from threads: how they start, stop and end.

#include "cli/parts/guarded_command.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

#include "support/process.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;
using namespace nodepool::cli;
using testing::EndsWith;
using testing::HasSubstr;

class GuardedCommands : public testing::Test {
 protected:
  GuardedCommands() : nursery_(make()) {}
  static Nursery make() {
    sigset_t none;
    ::sigemptyset(&none);
    auto made = Nursery::make(none);
    if (!made) throw std::runtime_error(made.error().message);
    return *std::move(made);
  }
  static GuardedRules for_long() {
    GuardedRules rules;
    rules.valid_until = [] { return BootClock::now() + 1h; };
    rules.look = 20ms;
    return rules;
  }
  static GuardedCommand shell(const std::string& text) { return {.words = {"/bin/sh", "-c", text}}; }
  CommandEnd run(const GuardedCommand& command, const GuardedRules& rules = for_long()) {
    return run_guarded(nursery_, command, rules);
  }
  static bool exists(int pid) { return ::kill(pid, 0) == 0; }

  Nursery nursery_;
};

TEST_F(GuardedCommands, TellHowTheyEndedAndWhatTheyPutOut) {
  EXPECT_EQ(run(shell("echo out; echo err >&2; exit 7")).code, 7);
  EXPECT_EQ(run(shell("echo out; echo err >&2")).tail, "out\nerr");
  EXPECT_EQ(run(shell("kill -USR1 $$")).code, 128 + SIGUSR1);
  GuardedCommand env = shell("echo $COLOUR; pwd; cat");
  env.environment = {"COLOUR=blue"};
  env.directory = "/usr";
  env.input = "the input\n";
  EXPECT_EQ(run(env).tail, "blue\n/usr\nthe input");
  std::vector<std::string> lines;
  GuardedRules rules = for_long();
  rules.on_output = [&](std::string_view line) { lines.emplace_back(line); };
  (void)run(shell("echo a; echo; printf b"), rules);
  EXPECT_EQ(lines, (std::vector<std::string>{"a", "", "b"}));
}

TEST_F(GuardedCommands, SayWhyTheyCouldNotStart) {
  EXPECT_THAT(*run({.words = {"/bin/nothing"}}).not_started, HasSubstr("No such file"));
  EXPECT_THAT(*run({.words = {"/etc"}}).not_started, HasSubstr("Permission denied"));
  EXPECT_THAT(*run({.words = {"true"}, .user = "no-such-user"}).not_started,
              HasSubstr("does not know the user"));
  EXPECT_THAT(*run({.words = {"true"}, .directory = "/nowhere"}).not_started, HasSubstr("directory"));
  GuardedRules late = for_long();
  late.valid_until = [] { return MonotonicTime::min(); };
  const CommandEnd end = run({.words = {"true"}}, late);
  EXPECT_TRUE(end.lease_ended);
  EXPECT_TRUE(end.not_started);
}

TEST_F(GuardedCommands, ChangeToTheUserCompletely) {
  if (::geteuid() != 0) {
    EXPECT_THAT(*run({.words = {"true"}, .user = "nobody"}).not_started, HasSubstr("only root"));
    return;
  }
  ::setenv("NODEPOOL_STORE", "redis://:secret@h", 1);
  GuardedCommand command = shell("id -un; id -G; echo $USER; env; cat /proc/self/status");
  command.user = "nobody";
  const CommandEnd end = run(command);
  ::unsetenv("NODEPOOL_STORE");
  EXPECT_THAT(end.tail, testing::StartsWith("nobody\n65534\nnobody\n"));
  EXPECT_THAT(end.tail, testing::Not(HasSubstr("secret")));
  EXPECT_THAT(end.tail, HasSubstr("CapEff:\t0000000000000000"));
}

TEST_F(GuardedCommands, FiftyAtOnceFromManyThreads) {
  std::atomic<int> good = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 10; ++thread) {
    threads.emplace_back([&, thread] {
      for (int command = 0; command < 5; ++command) {
        const std::string name = fmt::format("{}-{}", thread, command);
        const CommandEnd end = run(shell("sleep 0.05; echo " + name));
        if (end.code == 0 && end.tail == name) ++good;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(good, 50);
}

TEST_F(GuardedCommands, KeepTheLastOfMuchOutput) {
  const CommandEnd end = run(shell("head -c 30000000 /dev/zero | tr '\\0' 'x'; printf '\\303\\244end'"));
  EXPECT_EQ(end.code, 0);
  EXPECT_LE(end.tail.size(), 4096U);
  EXPECT_THAT(end.tail, EndsWith("xx\xC3\xA4"
                                 "end"));
  GuardedRules rules = for_long();
  rules.tail = 4;
  EXPECT_EQ(run(shell("printf '\\303\\244end'"), rules).tail, "end") << "not half a character";
}

TEST_F(GuardedCommands, AreNotHeldUpByInputThatTheyDoNotRead) {
  GuardedCommand command = shell("exit 5");
  command.input.assign(std::size_t{1} << 20U, 'x');
  EXPECT_EQ(run(command).code, 5);
  command = shell("wc -c");
  command.input.assign(std::size_t{1} << 20U, 'x');
  EXPECT_EQ(run(command).tail, "1048576");
  command.words = {"/bin/sh", "-c", "echo ${#1}", "sh", std::string(100'000, 'y')};
  EXPECT_EQ(run(command).tail, "100000");
}

TEST_F(GuardedCommands, FindNoDescriptorsOfOurs) {
  // The folder that ls reads is its own.
  EXPECT_EQ(run(shell("ls /proc/self/fd | tr '\\n' ' '")).tail, "0 1 2 3 ");
}

TEST_F(GuardedCommands, AreAskedToStopAndThenKilled) {
  const auto stopped = [&](const std::string& when_asked, std::chrono::milliseconds grace) {
    const auto stop = std::make_unique<std::stop_source>();
    GuardedRules rules = for_long();
    rules.stop = stop->get_token();
    rules.grace = grace;
    rules.on_output = [&](std::string_view) { stop->request_stop(); };
    return run(shell("trap '" + when_asked + "' TERM; echo ready; while :; do sleep 0.01; done"), rules);
  };
  const CommandEnd asked = stopped("echo bye; exit 9", 30s);
  EXPECT_EQ(asked.code, 9);
  EXPECT_THAT(asked.tail, EndsWith("bye"));
  EXPECT_FALSE(asked.lease_ended);
  EXPECT_EQ(stopped("", 100ms).code, 128 + SIGKILL);
}

TEST_F(GuardedCommands, EndBeforeTheirLease) {
  GuardedRules rules = for_long();
  const MonotonicTime end_of_lease = BootClock::now() + 1500ms;
  rules.valid_until = [&] { return end_of_lease; };
  rules.lease_grace = 200ms;
  const CommandEnd end = run(shell("trap '' TERM; while :; do sleep 0.01; done"), rules);
  EXPECT_EQ(end.code, 128 + SIGKILL);
  EXPECT_TRUE(end.lease_ended);
}

TEST_F(GuardedCommands, LeaveNobodyBehind) {
  GuardedRules rules = for_long();
  rules.grace = 100ms;
  const CommandEnd end = run(shell("setsid sleep 1000 & echo $!; exit 0"), rules);
  EXPECT_EQ(end.code, 0);
  const int left = std::stoi(end.tail);
  EXPECT_FALSE(exists(left));
}

TEST_F(GuardedCommands, CannotStartWithoutTheirNursery) {
  std::ifstream children(fmt::format("/proc/self/task/{}/children", ::getpid()));
  EXPECT_FALSE(nursery_.is_gone());
  for (int pid = 0; children >> pid;) ::kill(pid, SIGKILL);
  EXPECT_THAT(*run(shell("true")).not_started, HasSubstr("is gone"));
  while (!nursery_.is_gone()) ::usleep(1000);
}

}  // namespace
