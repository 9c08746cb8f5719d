// Commands behind guardians from a nursery, many at once, from threads: how they start, stop and end.

#include "cli/parts/guarded_command.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
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
  /// And is more than a number that nobody has asked about yet.
  static bool exists(int pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string line;
    std::getline(file, line);
    const std::size_t end = line.rfind(')');
    return end != std::string::npos && line.substr(end + 2, 1) != "Z";
  }
  static std::vector<pid_t> children_of(pid_t process) {
    std::ifstream file(fmt::format("/proc/{0}/task/{0}/children", process));
    return {std::istream_iterator<pid_t>(file), {}};
  }
  static std::vector<pid_t> descendants_of(pid_t process) {
    std::vector<pid_t> all = children_of(process);
    for (std::size_t each = 0; each < all.size(); ++each)
      std::ranges::copy(children_of(all[each]), std::back_inserter(all));
    return all;
  }

  test::TemporaryFolder folder_;
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
  for (int thread = 0; thread < 50; ++thread) {
    threads.emplace_back([&, thread] {
      for (int command = 0; command < 2; ++command) {
        const std::string name = fmt::format("{}-{}", thread, command);
        const CommandEnd end = run(shell("sleep 0.05; echo " + name));
        if (end.code == 0 && end.tail == name) ++good;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(good, 100);
}

TEST_F(GuardedCommands, KeepTheLastOfMuchOutput) {
  GuardedRules told = for_long();
  std::size_t size = 0;
  told.on_output = [&](std::string_view line) { size += line.size(); };
  const auto most_memory = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;  // KiB
  };
  const auto before = most_memory();
  const CommandEnd end =
      run(shell("head -c 100000000 /dev/zero | tr '\\0' 'x'; printf '\\303\\244end'"), told);
  EXPECT_LT(most_memory() - before, 32 * 1024) << "though it is a single line";
  EXPECT_EQ(size, 100'000'005U);
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
  GuardedRules before = for_long();
  const auto stop = std::make_unique<std::stop_source>();
  stop->request_stop();
  before.stop = stop->get_token();
  const CommandEnd never = run(shell("echo started"), before);
  EXPECT_THAT(never.not_started.value_or(""), HasSubstr("to stop before"));
  EXPECT_FALSE(never.lease_ended);
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

TEST_F(GuardedCommands, AreGoneWithAllThatTheyStartedWhenTheirGuardianIsKilled) {
  // Each in a session of its own, and each deaf to what the others get.
  const std::string script = "setsid sh -c 'echo $$ >> " + folder_.path() +
                             "/pids; setsid sh -c \"echo \\$\\$ >> " + folder_.path() +
                             "/pids; echo ready; sleep 1000; true\"; true'; true";
  pid_t guardian = 0;
  GuardedRules rules = for_long();
  rules.on_output = [&](std::string_view) {
    guardian = children_of(children_of(::getpid()).front()).front();
    ::kill(guardian, SIGKILL);
  };
  const CommandEnd end = run(shell(script), rules);
  EXPECT_EQ(end.code, 128 + SIGKILL);
  std::ifstream pids(folder_.path() + "/pids");
  int seen = 0;
  for (int pid = 0; pids >> pid; ++seen) EXPECT_FALSE(exists(pid)) << "number " << seen;
  EXPECT_EQ(seen, 2);
}

TEST_F(GuardedCommands, EndInTimeThoughTheirGuardianIsFrozen) {
  const auto stop = std::make_unique<std::stop_source>();
  GuardedRules rules = for_long();
  rules.stop = stop->get_token();
  rules.grace = 50ms;
  rules.on_output = [&](std::string_view) {
    ::kill(children_of(children_of(::getpid()).front()).front(), SIGSTOP);
    stop->request_stop();
  };
  const CommandEnd end = run(shell("echo $$; sleep 1000; true"), rules);
  EXPECT_EQ(end.code, 128 + SIGKILL);
  EXPECT_FALSE(exists(std::stoi(end.tail)));
  EXPECT_EQ(run(shell("echo next")).tail, "next");
}

TEST_F(GuardedCommands, DoNotWaitForANurseryThatIsFrozen) {
  const pid_t nursery = children_of(::getpid()).front();
  ::kill(nursery, SIGSTOP);
  GuardedRules rules = for_long();
  const MonotonicTime end_of_lease = BootClock::now() + 1s;
  rules.valid_until = [&] { return end_of_lease; };
  const CommandEnd late = run(shell("touch " + folder_.path() + "/ran"), rules);
  EXPECT_THAT(late.not_started.value_or(""), HasSubstr("does not answer"));
  // Asked to stop after it was ordered to start, though the lease goes on.
  const auto stop = std::make_unique<std::stop_source>();
  rules = for_long();
  rules.stop = stop->get_token();
  rules.grace = 50ms;
  int asked = 0;
  rules.valid_until = [&] {
    if (++asked == 2) stop->request_stop();
    return BootClock::now() + 1h;
  };
  const CommandEnd stopped = run(shell("touch " + folder_.path() + "/ran"), rules);
  EXPECT_THAT(stopped.not_started.value_or(""), HasSubstr("does not answer"));
  ::kill(nursery, SIGCONT);
  EXPECT_EQ(run(shell("echo next")).tail, "next");
  EXPECT_FALSE(std::ifstream(folder_.path() + "/ran").good());
}

TEST_F(GuardedCommands, AreRefusedWhenAFrozenNurseryHasTooManyToCome) {
  const pid_t nursery = children_of(::getpid()).front();
  ::kill(nursery, SIGSTOP);
  auto guarded = nursery_.guard(shell("true"));
  for (int more = 0; guarded && more < 20'000; ++more) guarded = nursery_.guard(shell("true"));
  ASSERT_FALSE(guarded);
  EXPECT_EQ(guarded.error().code, ErrorCode::unavailable);
  ::kill(nursery, SIGCONT);
  EXPECT_EQ(run(shell("echo next")).tail, "next");
}

TEST(JobGuard, DoesNotStartWhatWasTakenBackWhileItSlept) {
  std::array<int, 2> sockets{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()), 0);
  driver::Descriptor ours(sockets[0]);
  const MonotonicTime now = BootClock::now();
  send_order(ours.get(), {GuardOrder::Kind::start, 0, {now + 1h, now + 1h}});
  send_order(ours.get(), {GuardOrder::Kind::limit, 0, {now, now + 1h}});
  const pid_t guardian = ::fork();
  if (guardian == 0) {
    ours.reset();
    guard_jobs(sockets[1], {.words = {"/bin/true"}});
  }
  ::close(sockets[1]);
  ASSERT_TRUE(driver::wait_readable(ours.get(), -1, now + 20s).first);
  const ReceivedReport received = receive_report(ours.get());
  ASSERT_TRUE(received.report);
  EXPECT_EQ(received.report->kind, JobReport::Kind::too_late);
  ours.reset();
  ::waitpid(guardian, nullptr, 0);
}

TEST_F(GuardedCommands, AreLookedUpInTheirOwnPath) {
  std::ofstream(folder_.path() + "/own-command") << "#!/bin/sh\necho own\n";
  std::filesystem::permissions(folder_.path() + "/own-command", std::filesystem::perms::owner_all);
  GuardedCommand command{.words = {"own-command"}};
  command.environment = {"PATH=" + folder_.path() + ":/bin:/usr/bin"};
  const CommandEnd end = run(command);
  EXPECT_EQ(end.tail, "own") << end.not_started.value_or("");
}

/// A process whose only thread runs a command until its end. It is a child of the test's, but no more than
/// that: its nursery and guardian are its own.
class GuardedCommandsOfADaemon : public GuardedCommands {
 protected:
  [[nodiscard]] pid_t start_daemon(const std::string& script, std::chrono::milliseconds lease) {
    const pid_t daemon = ::fork();
    if (daemon != 0) return daemon;
    sigset_t none;
    ::sigemptyset(&none);
    Nursery nursery = *Nursery::make(none);
    GuardedRules rules = for_long();
    rules.valid_until = [=] { return BootClock::now() + lease; };
    std::jthread other([&] { (void)run_guarded(nursery, shell("sleep 1000"), rules); });
    (void)run_guarded(nursery, shell(script), rules);
    ::_exit(0);
  }
  [[nodiscard]] int wait_for_pid() const {
    const MonotonicTime deadline = BootClock::now() + 20s;
    while (BootClock::now() < deadline) {
      int pid = 0;
      if (std::ifstream(folder_.path() + "/pid") >> pid) return pid;
      std::this_thread::sleep_for(1ms);
    }
    ADD_FAILURE() << "the command has not begun";
    return 0;
  }
  static bool wait_until_gone(int pid) {
    const MonotonicTime deadline = BootClock::now() + 20s;
    while (exists(pid) && BootClock::now() < deadline) std::this_thread::sleep_for(1ms);
    return !exists(pid);
  }
  [[nodiscard]] std::string stubborn() const {
    return "trap '' TERM; echo $$ > " + folder_.path() + "/new; mv " + folder_.path() + "/new " +
           folder_.path() + "/pid; while :; do sleep 0.01; done";
  }
};

TEST_F(GuardedCommandsOfADaemon, EndAtOnceWhenItIsKilled) {
  const pid_t daemon = start_daemon(stubborn(), 1h);
  const int command = wait_for_pid();
  std::vector<pid_t> all;
  // A nursery, two guardians and two commands; the shell's own pauses come and go.
  while ((all = descendants_of(daemon)).size() < 5) std::this_thread::sleep_for(1ms);
  ::kill(daemon, SIGKILL);
  ::waitpid(daemon, nullptr, 0);
  EXPECT_TRUE(wait_until_gone(command));
  for (const pid_t process : all) EXPECT_TRUE(wait_until_gone(process));
}

TEST_F(GuardedCommandsOfADaemon, EndWithTheLeaseWhenItIsFrozen) {
  const pid_t daemon = start_daemon(stubborn(), 1500ms);
  const int command = wait_for_pid();
  ::kill(daemon, SIGSTOP);
  const MonotonicTime frozen_at = BootClock::now();
  EXPECT_TRUE(wait_until_gone(command));
  EXPECT_LT(BootClock::now() - frozen_at, 1500ms) << "before the lease could have ended";
  ::kill(daemon, SIGKILL);
  ::waitpid(daemon, nullptr, 0);
}

TEST_F(GuardedCommands, CannotStartWithoutTheirNursery) {
  std::ifstream children(fmt::format("/proc/self/task/{}/children", ::getpid()));
  EXPECT_FALSE(nursery_.is_gone());
  for (int pid = 0; children >> pid;) ::kill(pid, SIGKILL);
  EXPECT_THAT(*run(shell("true")).not_started, HasSubstr("is gone"));
  while (!nursery_.is_gone()) ::usleep(1000);
}

}  // namespace
