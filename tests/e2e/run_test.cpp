// `nodepool run` with real processes: what is started, what is stopped and when, and what the exit codes say.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "cli/parts/child.hpp"
#include "nodepool/types.hpp"
#include "support/process.hpp"
#include "support/redis_server.hpp"
#include "support/tcp_gate.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;
using namespace nodepool::cli;
using namespace nodepool::test;

/// Writes what happens as "NANOSECONDS RUN PID WHAT" lines, each in one write to a file that is appended to,
/// on the clock of leases: its last beat is a time at which it certainly ran. RUN is the command's own
/// process id, also in what its child writes.
constexpr const char* kRecorder =
    "import os, sys, time, signal\n"
    "out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)\n"
    "run = os.getpid()\n"
    "def tell(what):\n"
    "  now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)\n"
    "  os.write(out, b'%d %d %d %s\\n' % (now, run, os.getpid(), what))\n"
    "def end(*_):\n"
    "  tell(b'term')\n"
    "  if 'stubborn' not in sys.argv: sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, end)\n"
    "signal.signal(signal.SIGUSR1, lambda *_: tell(b'usr1'))\n"
    "signal.signal(signal.SIGHUP, lambda *_: tell(b'hup'))\n"
    "tell(b'begin')\n"
    "if 'parent' in sys.argv:\n"
    "  if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    tell(b'begin-of-a-child')\n"
    "while True:\n"
    "  time.sleep(0.005)\n"
    "  tell(b'beat')\n";

struct Stamp {
  std::int64_t at = 0;  ///< Nanoseconds of CLOCK_BOOTTIME.
  int run = 0;
  int pid = 0;
  std::string what;
};

std::int64_t boot_now() {
  return BootClock::now().time_since_epoch().count();
}

class Run : public testing::Test {
 protected:
  Run() { std::ofstream(folder_.path() + "/recorder.py") << kRecorder; }

  [[nodiscard]] std::string store() const { return "sqlite:" + folder_.path() + "/pool.db"; }
  [[nodiscard]] std::string record_path() const { return folder_.path() + "/record"; }
  [[nodiscard]] static std::vector<std::string> times() { return {"--heartbeat", "200ms", "--lease", "2s"}; }

  /// The options of a node with so great a share that, with these names, the job is always its own.
  [[nodiscard]] static std::vector<std::string> great(const std::string& name,
                                                      const std::vector<std::string>& more = {}) {
    std::vector<std::string> all{"--name", name, "--weight", "100"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// "run svc --job j" in short, with times that suit a test.
  [[nodiscard]] static std::vector<std::string> words(const std::vector<std::string>& options,
                                                      const std::vector<std::string>& command) {
    std::vector<std::string> all{"run", "svc", "--job", "j"};
    for (const auto& part : {times(), options, {"--"}, command})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }
  [[nodiscard]] Finished run(const std::vector<std::string>& options,
                             const std::vector<std::string>& command) const {
    return run_nodepool(words(options, command), {"NODEPOOL_STORE=" + store()});
  }
  [[nodiscard]] std::vector<std::string> recorder(const std::vector<std::string>& manners = {}) const {
    std::vector<std::string> command{"python3", folder_.path() + "/recorder.py", record_path()};
    command.insert(command.end(), manners.begin(), manners.end());
    return command;
  }
  [[nodiscard]] Child launch(const std::vector<std::string>& options, const std::vector<std::string>& command,
                             std::string at = {}) const {
    std::vector<std::string> all = words(options, command);
    all.insert(all.begin(), NODEPOOL_COMMAND);
    if (at.empty()) at = store();
    auto child = Child::start(all, {"NODEPOOL_STORE=" + at});
    if (!child) throw std::runtime_error(child.error().message);
    return *std::move(child);
  }

  [[nodiscard]] std::vector<Stamp> stamps() const {
    std::vector<Stamp> all;
    std::ifstream file(record_path());
    for (std::string line; std::getline(file, line);) {
      Stamp stamp;
      std::istringstream(line) >> stamp.at >> stamp.run >> stamp.pid >> stamp.what;
      if (!stamp.what.empty()) all.push_back(stamp);
    }
    return all;
  }
  [[nodiscard]] std::vector<Stamp> stamps_of(const std::string& what) const {
    std::vector<Stamp> all = stamps();
    std::erase_if(all, [&](const Stamp& stamp) { return stamp.what != what; });
    return all;
  }
  /// Never two at once: each run's first and last sign of life lies outside those of the others.
  void expect_no_overlap() const {
    std::map<int, std::pair<std::int64_t, std::int64_t>> lives;
    for (const Stamp& stamp : stamps()) {
      const auto [life, is_new] = lives.try_emplace(stamp.run, stamp.at, stamp.at);
      if (!is_new) life->second.second = stamp.at;
    }
    for (const auto& [one, its] : lives) {
      for (const auto& [other, others] : lives) {
        if (one == other || its.first > others.first) continue;
        EXPECT_LT(its.second, others.first) << one << " and " << other << " ran at once";
      }
    }
  }
  [[nodiscard]] static bool exists(int pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string line;
    std::getline(file, line);
    const std::size_t end = line.rfind(')');
    return end != std::string::npos && line.substr(end + 2, 1) != "Z";
  }
  static bool wait_for(const std::string& what, const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= deadline) {
        ADD_FAILURE() << "waited in vain for " << what;
        return false;
      }
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }
  /// On failure the logs of these wrappers are shown.
  bool wait_for_begins(std::size_t count, std::initializer_list<Child*> wrappers) const {
    const bool come = wait_for(fmt::format("begin number {}", count), [&] {
      for (Child* wrapper : wrappers) wrapper->read();
      return stamps_of("begin").size() >= count;
    });
    for (const Child* wrapper : wrappers) EXPECT_TRUE(come) << wrapper->errors();
    return come;
  }
  static bool wait_for_end(Child& child) {
    return wait_for("the end of a wrapper", [&] {
      child.read();
      return child.exit_code().has_value();
    });
  }
  static bool wait_for_log(Child& child, const std::string& text) {
    return wait_for(text + " in the log", [&] {
      child.read();
      return child.errors().find(text) != std::string::npos;
    });
  }
  TemporaryFolder folder_;
};

TEST_F(Run, TheExitCodeIsTheCommandsAndItsOutputUntouched) {
  const std::vector<std::string> once{"--restart", "never"};
  const Finished seven = run(once, {"sh", "-c", "echo out; cat; exit 7"});
  EXPECT_EQ(seven.code, 7) << seven.errors;
  EXPECT_EQ(seven.output, "out\n");
  for (const char* event : {"event=joined", "event=started", "event=ended", "event=left"})
    EXPECT_NE(seven.errors.find(event), std::string::npos) << seven.errors;
  EXPECT_EQ(run(once, {"sh", "-c", "kill -9 $$"}).code, 128 + SIGKILL);
  EXPECT_EQ(run(once, {folder_.path() + "/nothing"}).code, 127);
  EXPECT_EQ(run(once, {folder_.path() + "/recorder.py"}).code, 126);
  const Finished slow = run({"--restart", "never", "--timeout", "100ms"}, {"sleep", "60"});
  EXPECT_EQ(slow.code, 124) << slow.errors;
  // Words after -- belong to the command, whatever they look like.
  EXPECT_EQ(run(once, {"echo", "join", "--store", "-h", "--"}).output, "join --store -h --\n");
  EXPECT_EQ(run({"--restart", "never", "--shell"}, {"echo $((1 + 2)) | cat; exit 3"}).output, "3\n");
  const Finished json = run({"--restart", "never", "--log-format", "json"}, {"true"});
  EXPECT_NE(json.errors.find(R"("event":"started")"), std::string::npos) << json.errors;
}

TEST_F(Run, TheEnvironmentSaysWhatRunsWhere) {
  const Finished env = run({"--restart", "never", "--name", "web-1"}, {"env"});
  for (const char* line : {"NODEPOOL_SERVICE=svc\n", "NODEPOOL_NODE=web-1\n", "NODEPOOL_JOB=j\n",
                           "NODEPOOL_TOKEN=1", "NODEPOOL_EPOCH=1", "NODEPOOL_ATTEMPT=1\n"})
    EXPECT_NE(env.output.find(line), std::string::npos) << line << " is missing in:\n" << env.output;
  EXPECT_EQ(env.output.find("NODEPOOL_SCHEDULED_AT"), std::string::npos);
  const RedisServer server({"--requirepass", "hunter-two"});
  std::ofstream(folder_.path() + "/password") << "hunter-two\n";
  const Finished hidden = run_nodepool(words(
      {"--restart", "never", "--store", server.url(), "--store-password-file", folder_.path() + "/password"},
      {"sh", "-c", "env; cat /proc/self/environ; ls -l /proc/self/fd"}));
  EXPECT_EQ(hidden.code, 0) << hidden.errors;
  EXPECT_EQ(hidden.output.find("hunter"), std::string::npos) << "the password is not the command's business";
  EXPECT_EQ(hidden.output.find("socket:"), std::string::npos) << "nor is the connection:\n" << hidden.output;
}

TEST_F(Run, WhatCannotWorkIsRefusedInOneSentence) {
  const std::vector<std::vector<std::string>> calls{
      words({"--grace", "1430ms"}, {"true"}),
      {"run", "svc", "--job", "j", "--heartbeat", "100ms", "--lease", "310ms", "--", "true"},
      words({"--no-wait", "--wait", "1s"}, {"true"}),
      words({"--shell"}, {"echo", "two"}),
      words({"--restart", "soon"}, {"true"}),
      words({"--mode", "twice"}, {"true"}),
      words({"--mode", "once", "--restart", "always"}, {"true"}),
      words({"--restart-delay", "2m"}, {"true"}),
      words({"--log-format", "xml"}, {"true"}),
      words({}, {}),
      {"run", "svc", "--", "true"},
      {"run", "--job", "j", "--", "true"},
  };
  for (const auto& call : calls) {
    const Finished refused = run_nodepool(call, {"NODEPOOL_STORE=" + store()});
    EXPECT_EQ(refused.code, 2) << fmt::format("{}", fmt::join(call, " ")) << "\n" << refused.errors;
    EXPECT_EQ(std::count(refused.errors.begin(), refused.errors.end(), '\n'), 1) << refused.errors;
  }
  const Finished nowhere = run({"--store", "redis://127.0.0.1:1", "--start-timeout", "300ms"}, {"true"});
  EXPECT_EQ(nowhere.code, 125) << nowhere.errors;
}

TEST_F(Run, AWrapperThatIsKilledTakesAllItsProcessesAlongAndTheOtherOneTakesOver) {
  Child owner = launch(great("a"), recorder({"parent", "stubborn"}));
  ASSERT_TRUE(wait_for("its child", [&] { return !stamps_of("begin-of-a-child").empty(); }));
  Child other = launch({"--name", "b"}, recorder());
  ASSERT_TRUE(wait_for_log(other, "event=waiting"));
  const int job = stamps_of("begin").back().pid;
  const int grandchild = stamps_of("begin-of-a-child").back().pid;
  owner.signal(SIGKILL);
  ASSERT_TRUE(wait_for("the end of both", [&] { return !exists(job) && !exists(grandchild); }));
  EXPECT_EQ(stamps_of("begin").size(), 1U) << "they were gone before anybody could take over";
  ASSERT_TRUE(wait_for_begins(2, {&owner, &other}));
  other.signal(SIGTERM);
  ASSERT_TRUE(wait_for_end(other));
  expect_no_overlap();
}

TEST_F(Run, AFrozenWrapperStillStopsItsCommandBeforeTheNextOneStarts) {
  const RedisServer server;
  Child owner = launch(great("a"), recorder({"stubborn", "parent"}), server.url());
  ASSERT_TRUE(wait_for("its child", [&] { return !stamps_of("begin-of-a-child").empty(); }));
  Child other = launch({"--name", "b"}, recorder(), server.url());
  ASSERT_TRUE(wait_for_log(other, "event=waiting"));
  owner.signal(SIGSTOP);
  ASSERT_TRUE(wait_for_begins(2, {&owner, &other}));
  EXPECT_FALSE(stamps_of("term").empty()) << "it was asked before it was killed";
  owner.signal(SIGCONT);
  ASSERT_TRUE(wait_for_log(owner, "reason=lease_lost"));
  expect_no_overlap();
}

TEST_F(Run, AStoreThatIsCutOffStopsTheCommandBeforeTheLeaseEnds) {
  const RedisServer server;
  TcpGate gate(server.port());
  Child cut_off = launch(great("a", {"--restart", "never"}), recorder({"stubborn"}),
                         fmt::format("redis://127.0.0.1:{}", gate.port()));
  ASSERT_TRUE(wait_for_begins(1, {&cut_off}));
  Child next = launch({"--name", "b"}, recorder(), server.url());
  ASSERT_TRUE(wait_for_log(next, "event=waiting"));
  const std::int64_t cut_at = boot_now();
  gate.set({.requests_pass = false, .replies_pass = false, .delay = {}, .accepts = true});
  ASSERT_TRUE(wait_for_end(cut_off));
  EXPECT_EQ(cut_off.exit_code(), 123) << cut_off.errors();
  ASSERT_TRUE(wait_for_begins(2, {&cut_off, &next}));
  const std::int64_t term = stamps_of("term").front().at;
  const std::int64_t begin = stamps_of("begin").back().at;
  EXPECT_GT(term, cut_at);
  EXPECT_LT(term, begin);
  expect_no_overlap();
}

TEST_F(Run, ADrainedNodeHandsOverAndEndsWithoutAnError) {
  Child first = launch(great("a", {"--drain-grace", "300ms"}), recorder({"stubborn"}));
  ASSERT_TRUE(wait_for_begins(1, {&first}));
  Child second = launch({"--name", "b"}, recorder());
  ASSERT_TRUE(wait_for_log(second, "event=waiting"));
  EXPECT_EQ(run_nodepool({"drain", "svc", "a", "--store", store()}).code, 0);
  ASSERT_TRUE(wait_for_begins(2, {&first, &second}));
  ASSERT_TRUE(wait_for_end(first));
  EXPECT_EQ(first.exit_code(), 0) << first.errors();
  EXPECT_NE(first.errors().find("reason=moved signal=9"), std::string::npos) << first.errors();
  expect_no_overlap();
}

TEST_F(Run, SignalsArePassedOnAndThoseWhichEndItMakeItLeave) {
  Child wrapper = launch(great("a"), recorder());
  ASSERT_TRUE(wait_for_begins(1, {&wrapper}));
  wrapper.signal(SIGHUP);
  wrapper.signal(SIGUSR1);
  ASSERT_TRUE(
      wait_for("both", [&] { return stamps_of("usr1").size() == 1 && stamps_of("hup").size() == 1; }));
  EXPECT_EQ(run({"--no-wait", "--name", "late"}, {"true"}).code, 122);
  EXPECT_EQ(run({"--wait", "200ms", "--name", "later"}, {"true"}).code, 122);
  Child waiting = launch({"--name", "waits"}, {"true"});
  ASSERT_TRUE(wait_for_log(waiting, "event=waiting"));
  waiting.signal(SIGUSR1);
  waiting.signal(SIGINT);
  ASSERT_TRUE(wait_for_end(waiting));
  EXPECT_EQ(waiting.exit_code(), 128 + SIGINT);
  wrapper.signal(SIGTERM);
  ASSERT_TRUE(wait_for_end(wrapper));
  EXPECT_EQ(wrapper.exit_code(), 0) << "the command's own code: " << wrapper.errors();
  EXPECT_EQ(stamps_of("term").size(), 1U);
}

TEST_F(Run, ACommandThatFailsIsStartedAgainWithADelay) {
  Child wrapper = launch({"--restart-delay", "100ms", "--restart-delay-max", "300ms"},
                         {"sh", "-c", "echo attempt $NODEPOOL_ATTEMPT; exit 1"});
  std::vector<std::string> lines;
  ASSERT_TRUE(wait_for("three attempts", [&] {
    wrapper.read();
    for (const std::string& line : wrapper.take_lines()) lines.push_back(line);
    return lines.size() >= 3;
  }));
  EXPECT_EQ(lines[0], "attempt 1");
  EXPECT_EQ(lines[2], "attempt 3");
  wrapper.signal(SIGTERM);
  ASSERT_TRUE(wait_for_end(wrapper));
}

TEST_F(Run, WhatACommandLeavesBehindIsEndedBeforeTheClaimIsGivenBack) {
  const std::string left = "setsid python3 " + folder_.path() + "/recorder.py " + record_path() +
                           " & while ! grep -q begin " + record_path() +
                           " 2>/dev/null; do sleep 0.01; done; exit 4";
  const Finished finished = run({"--restart", "never", "--shell"}, {left});
  EXPECT_EQ(finished.code, 4) << finished.errors;
  ASSERT_EQ(stamps_of("begin").size(), 1U);
  EXPECT_EQ(stamps_of("term").size(), 1U);
  EXPECT_FALSE(exists(stamps_of("begin").front().pid));
}

TEST_F(Run, AGuardianThatIsKilledTakesTheCommandAlong) {
  Child wrapper = launch({}, recorder({"stubborn", "parent"}));
  ASSERT_TRUE(wait_for("both", [&] { return !stamps_of("begin-of-a-child").empty(); }));
  const Finished guardian = run_program({"pgrep", "-P", std::to_string(wrapper.pid())}, 5s);
  ::kill(std::stoi(guardian.output), SIGKILL);
  ASSERT_TRUE(wait_for_end(wrapper));
  EXPECT_EQ(wrapper.exit_code(), 125) << wrapper.errors();
  EXPECT_FALSE(exists(stamps_of("begin").front().pid));
  EXPECT_FALSE(exists(stamps_of("begin-of-a-child").front().pid));
}

TEST_F(Run, AGuardianThatIsFrozenCannotKeepACommandAlive) {
  Child wrapper = launch({"--name", "a", "--drain-grace", "100ms"}, recorder({"stubborn"}));
  ASSERT_TRUE(wait_for_begins(1, {&wrapper}));
  const Finished guardian = run_program({"pgrep", "-P", std::to_string(wrapper.pid())}, 5s);
  ::kill(std::stoi(guardian.output), SIGSTOP);
  EXPECT_EQ(run_nodepool({"drain", "svc", "a", "--store", store()}).code, 0);
  ASSERT_TRUE(wait_for("the end of the command", [&] { return !exists(stamps_of("begin").front().pid); }));
  EXPECT_FALSE(wrapper.exit_code()) << "before it gives up the guardian";
  ASSERT_TRUE(wait_for_end(wrapper));
  EXPECT_EQ(wrapper.exit_code(), 125) << wrapper.errors();
}

TEST_F(Run, OnceIsRunUntilItHasSucceededAndThenNeverAgain) {
  // The first run fails, the second succeeds.
  const std::string script =
      "echo $NODEPOOL_ATTEMPT >> " + record_path() + "; test $(wc -l < " + record_path() + ") = 2";
  const std::vector<std::string> mode{"--mode", "once", "--restart-delay", "100ms", "--shell"};
  std::vector<Child> wrappers;
  for (const char* name : {"a", "b", "c"}) {
    std::vector<std::string> options = mode;
    options.insert(options.end(), {"--name", name});
    wrappers.push_back(launch(options, {script}));
  }
  for (Child& wrapper : wrappers) {
    ASSERT_TRUE(wait_for_end(wrapper));
    EXPECT_EQ(wrapper.exit_code(), 0) << wrapper.errors();
    EXPECT_NE(wrapper.errors().find("event=succeeded"), std::string::npos) << wrapper.errors();
  }
  const Finished later = run(mode, {script});
  EXPECT_EQ(later.code, 0) << later.errors;
  std::ifstream record(record_path());
  int first = 0;
  int second = 0;
  int third = 0;
  record >> first >> second >> third;
  // A node that lost the job between its mark and the start has counted too.
  EXPECT_GE(first, 1);
  EXPECT_GT(second, first);
  EXPECT_EQ(third, 0);
}

TEST_F(Run, OnceIsTakenUpByTheNextNodeIfItsOwnIsKilled) {
  Child owner = launch(great("a", {"--mode", "once"}), recorder());
  ASSERT_TRUE(wait_for_begins(1, {&owner}));
  Child other = launch({"--name", "b", "--mode", "once"}, {"sh", "-c", "exit 0"});
  ASSERT_TRUE(wait_for_log(other, "event=waiting"));
  owner.signal(SIGKILL);
  ASSERT_TRUE(wait_for_end(other));
  EXPECT_EQ(other.exit_code(), 0) << other.errors();
  EXPECT_NE(other.errors().find("event=started"), std::string::npos) << other.errors();
  expect_no_overlap();
}

/// Needs the right to make a namespace of processes. Where that is missing the test says so and fails:
/// whoever builds without it leaves the test out by name, and knows.
TEST_F(Run, WorksAsTheFirstProcessOfAContainer) {
  std::vector<std::string> all{"unshare",      "--pid",        "--fork",
                               "--mount-proc", "--kill-child", NODEPOOL_COMMAND};
  // An orphan of the command's is left to the guardian and one from outside to us; both must be reaped.
  const std::string script = "(sleep 0.01 &) ; sleep 0.2; ps -eo stat= | grep -c Z; exit 6";
  const std::vector<std::string> arguments = words({"--restart", "never", "--shell"}, {script});
  all.insert(all.end(), arguments.begin(), arguments.end());
  const Finished finished = run_program(all, 20s, {"NODEPOOL_STORE=" + store()});
  ASSERT_EQ(finished.code, 6) << "is this process allowed to unshare? " << finished.errors;
  EXPECT_EQ(finished.output, "0\n") << "a zombie was left";
  EXPECT_NE(finished.errors.find("event=left"), std::string::npos) << finished.errors;
}

}  // namespace
