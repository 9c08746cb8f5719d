#include "cli/parts/execution.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <string_view>

namespace nodepool::cli {

int exit_code_of(int wait_status) noexcept {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : kSignalled + WTERMSIG(wait_status);
}

std::vector<std::string> environment_with(const std::vector<std::string>& extra) {
  std::vector<std::string> all;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view entry(*each);
    const std::string_view key = entry.substr(0, entry.find('=') + 1);
    bool replaced = false;
    for (const std::string& added : extra) replaced = replaced || added.starts_with(key);
    if (!replaced) all.emplace_back(entry);
  }
  all.insert(all.end(), extra.begin(), extra.end());
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace nodepool::cli
