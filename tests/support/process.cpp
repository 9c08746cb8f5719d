#include "support/process.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "cli/parts/child.hpp"

namespace nodepool::test {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() : path_((fs::temp_directory_path() / "nodepool-test-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary folder");
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Finished run_nodepool(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                      std::chrono::seconds at_most) {
  std::vector<std::string> words{NODEPOOL_COMMAND};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return run_program(words, at_most, environment);
}

Finished run_program(const std::vector<std::string>& words, std::chrono::seconds at_most,
                     const std::vector<std::string>& environment) {
  constexpr int kLookMs = 20;
  auto child = cli::Child::start(words, environment);
  if (!child) throw std::runtime_error(child.error().message);
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  while (!child->exit_code()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      ADD_FAILURE() << fmt::format("{} has not ended in time; it said: {}", fmt::join(words, " "),
                                   child->errors());
      return {-1, child->output(), child->errors()};
    }
    std::array<pollfd, 2> waiting{{{child->output_fd(), POLLIN, 0}, {child->errors_fd(), POLLIN, 0}}};
    ::poll(waiting.data(), waiting.size(), kLookMs);
    child->read();
  }
  child->read();
  return {*child->exit_code(), child->output(), child->errors()};
}

std::vector<int> processes_with(const std::string& text) {
  std::vector<int> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (std::isdigit(static_cast<unsigned char>(name.front())) == 0) continue;
    std::ifstream file(entry.path() / "environ", std::ios::binary);
    const std::string environment{std::istreambuf_iterator<char>(file), {}};
    if (environment.find(text) != std::string::npos) found.push_back(std::stoi(name));
  }
  return found;
}

}  // namespace nodepool::test
