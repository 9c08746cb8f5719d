#include "cli/parts/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <memory>
#include <set>
#include <string_view>

namespace nodepool::cli {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

/// Who started a process, as /proc has it: "PID (NAME) STATE PARENT ...", and the name may hold anything. 0
/// if it is gone.
pid_t parent_of(std::string_view process) {
  std::array<char, 512> text{};
  const int file = ::open(fmt::format("/proc/{}/stat", process).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t size = ::read(file, text.data(), text.size());
  ::close(file);
  const std::string_view line(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  constexpr std::size_t kFromNameToParent = 4;  // ") S "
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string_view::npos || name_end + kFromNameToParent >= line.size()) return 0;
  pid_t parent = 0;
  std::from_chars(line.data() + name_end + kFromNameToParent, line.data() + line.size(), parent);
  return parent;
}

bool is_child(pid_t process) noexcept {
  siginfo_t ignored{};
  return ::waitid(P_PID, static_cast<id_t>(process), &ignored, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace

std::vector<ChildProcess> children() {
  std::vector<ChildProcess> found;
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir("/proc"));
  if (!folder) return found;
  const pid_t self = ::getpid();
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the folder is this call's own.
  for (const dirent* entry = ::readdir(folder.get()); entry != nullptr; entry = ::readdir(folder.get())) {
    const std::string_view name(entry->d_name);
    pid_t process = 0;
    const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), process);
    if (error != std::errc{} || rest != name.data() + name.size()) continue;
    if (parent_of(name) == self && is_child(process)) found.push_back({process, ::getpgid(process)});
  }
  return found;
}

void signal_groups_of(const std::vector<ChildProcess>& processes, int number) {
  const pid_t own_group = ::getpgrp();
  std::set<pid_t> told;
  for (const ChildProcess& process : processes) {
    const bool grouped = process.group > 0 && process.group != own_group;
    const pid_t target = grouped ? -process.group : process.pid;
    if (told.insert(target).second) ::kill(target, number);
  }
}

}  // namespace nodepool::cli
