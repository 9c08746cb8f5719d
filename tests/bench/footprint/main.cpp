// footprint [--seconds N]: what a small service costs that embeds one pool of three members, beside the same
// program without a pool: size, memory, threads, open files, and how often it is woken. Prints figures. Exits
// with 1 if something failed.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>

#include "cli/parts/child.hpp"
#include "nodepool/types.hpp"
#include "parts/figures.hpp"
#include "parts/process_usage.hpp"
#include "support/process.hpp"
#include "support/redis_server.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::bench;

struct Footprint {
  double file_kib = 0;
  std::size_t threads = 0;
  Memory memory;
  std::size_t open_files = 0;
  double wakeups = 0;  ///< Per second, of all threads.
};

std::optional<cli::Child> start(const std::vector<std::string>& words) {
  auto child = cli::Child::start(words);
  const auto deadline = BootClock::now() + std::chrono::seconds(30);
  while (child && BootClock::now() < deadline && !child->exit_code()) {
    child->read();
    if (child->output() == "ready\n") return std::move(*child);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  fmt::print(stderr, "footprint: {} did not start: {}{}\n", words.front(), child ? child->output() : "",
             child ? child->errors() : child.error().message);
  return std::nullopt;
}

std::uint64_t switches_of(pid_t process) {
  std::uint64_t sum = 0;
  for (const auto& [id, thread] : threads_of(process)) sum += thread.switches;
  return sum;
}

/// Measures the first of `members` processes of one program.
std::optional<Footprint> measure(const std::string& program, const std::string& store, std::size_t members,
                                 std::chrono::seconds window) {
  std::vector<cli::Child> children;
  for (std::size_t number = 0; number < members; ++number) {
    std::vector<std::string> words{program};
    if (!store.empty()) words.insert(words.end(), {store, fmt::format("node-{}", number)});
    auto child = start(words);
    if (!child) return std::nullopt;
    children.push_back(std::move(*child));
  }
  std::this_thread::sleep_for(std::chrono::seconds(2));  // Until the joins have died away.
  const pid_t process = children.front().pid();
  Footprint found{.file_kib = static_cast<double>(std::filesystem::file_size(program)) / 1024,
                  .threads = threads_of(process).size(),
                  .memory = memory_of(process),
                  .open_files = open_files_of(process)};
  const auto before = switches_of(process);
  const auto begun = BootClock::now();
  std::this_thread::sleep_for(window);
  found.wakeups = static_cast<double>(switches_of(process) - before) / seconds(BootClock::now() - begun);
  return found;
}

void print(const std::string& name, const Footprint& with, const Footprint& alone) {
  const auto all = [&](const char* what) { return fmt::format("footprint.{}.{}", name, what); };
  const auto difference = [](std::uint64_t one, std::uint64_t other) {
    return static_cast<double>(one) - static_cast<double>(other);
  };
  print_figure(all("threads"), difference(with.threads, alone.threads), "more");
  print_figure(all("open_files"), difference(with.open_files, alone.open_files), "more");
  print_figure(all("resident"), static_cast<double>(with.memory.resident_kib), "KiB");
  print_figure(all("resident_alone"), static_cast<double>(alone.memory.resident_kib), "KiB");
  print_figure(all("private"), difference(with.memory.private_kib, alone.memory.private_kib), "KiB_more");
  print_figure(all("program"), with.file_kib - alone.file_kib, "KiB_more");
  // A heartbeat is a second.
  print_figure(all("wakeups_per_heartbeat"), with.wakeups - alone.wakeups, "times", {"<=", 3});
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t kMembers = 3;
  const std::chrono::seconds window(number_option(argc, argv, "--seconds", 20));
  const test::RedisServer server;
  const test::TemporaryFolder folder;
  const auto alone = measure(NODEPOOL_SERVICE_ALONE, "", 1, std::chrono::seconds(1));
  const auto redis = measure(NODEPOOL_SERVICE_REDIS, server.url(), kMembers, window);
  const auto sqlite = measure(NODEPOOL_SERVICE_SQLITE, folder.path() + "/pool.db", kMembers, window);
  if (alone && redis) print("redis", *redis, *alone);
  if (alone && sqlite) print("sqlite", *sqlite, *alone);
  return alone && redis && sqlite ? EXIT_SUCCESS : EXIT_FAILURE;
}
