#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cli/parts/child.hpp"
#include "nodepool/types.hpp"
#include "support/process.hpp"

namespace nodepool::test {

/// Writes what happens as "NANOSECONDS RUN PID WHAT" lines, each in one write to a file that is appended to,
/// on the clock of leases: its last beat is a time at which it certainly ran. RUN is the command's own
/// process id, also in what its child writes.
inline constexpr const char* kRecorder =
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

inline std::int64_t boot_now() {
  return BootClock::now().time_since_epoch().count();
}

/// What tests of `nodepool run` share: a store in a file, the recorder as the command, and waiting.
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
  [[nodiscard]] cli::Child launch(const std::vector<std::string>& options,
                                  const std::vector<std::string>& command, std::string at = {}) const {
    std::vector<std::string> all = words(options, command);
    all.insert(all.begin(), NODEPOOL_COMMAND);
    if (at.empty()) at = store();
    auto child = cli::Child::start(all, {"NODEPOOL_STORE=" + at});
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
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= deadline) {
        ADD_FAILURE() << "waited in vain for " << what;
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }
  /// On failure the logs of these wrappers are shown.
  bool wait_for_begins(std::size_t count, std::initializer_list<cli::Child*> wrappers) const {
    const bool come = wait_for(fmt::format("begin number {}", count), [&] {
      for (cli::Child* wrapper : wrappers) wrapper->read();
      return stamps_of("begin").size() >= count;
    });
    for (const cli::Child* wrapper : wrappers) EXPECT_TRUE(come) << wrapper->errors();
    return come;
  }
  static bool wait_for_end(cli::Child& child) {
    return wait_for("the end of a wrapper", [&] {
      child.read();
      return child.exit_code().has_value();
    });
  }
  static bool wait_for_log(cli::Child& child, const std::string& text) {
    return wait_for(text + " in the log", [&] {
      child.read();
      return child.errors().find(text) != std::string::npos;
    });
  }
  TemporaryFolder folder_;
};

}  // namespace nodepool::test
