#include "parts/process_usage.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace nodepool::bench {
namespace {

namespace fs = std::filesystem;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The number after "name:" at a line's beginning; 0 if there is none.
std::uint64_t field(const std::string& text, const std::string& name) {
  const auto at = ("\n" + text).find("\n" + name + ":");
  if (at == std::string::npos) return 0;
  return std::strtoull(text.c_str() + at + name.size() + 1, nullptr, 10);
}

}  // namespace

std::chrono::nanoseconds cpu_time(pid_t process) {
  const std::string text = text_of(fmt::format("/proc/{}/stat", process));
  // The second field is the program's name in brackets and may hold anything.
  const auto end = text.rfind(')');
  if (end == std::string::npos) return {};
  std::istringstream rest(text.substr(end + 1));
  constexpr int kFieldsBefore = 11;
  std::string skipped;
  for (int index = 0; index < kFieldsBefore; ++index) rest >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  rest >> user >> system;
  return std::chrono::nanoseconds(std::chrono::seconds(1)) * (user + system) / ::sysconf(_SC_CLK_TCK);
}

std::map<pid_t, ThreadUsage> threads_of(pid_t process) {
  std::map<pid_t, ThreadUsage> threads;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/task", process), gone)) {
    const std::string status = text_of(entry.path() / "status");
    std::string name = text_of(entry.path() / "comm");
    if (!name.empty()) name.pop_back();
    threads[std::stoi(entry.path().filename().string())] = {
        std::move(name),
        field(status, "voluntary_ctxt_switches") + field(status, "nonvoluntary_ctxt_switches")};
  }
  return threads;
}

Memory memory_of(pid_t process) {
  const std::string text = text_of(fmt::format("/proc/{}/smaps_rollup", process));
  return {field(text, "Rss"), field(text, "Private_Clean") + field(text, "Private_Dirty")};
}

std::size_t open_files_of(pid_t process) {
  std::error_code gone;
  const fs::directory_iterator entries(fmt::format("/proc/{}/fd", process), gone);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

void raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace nodepool::bench
