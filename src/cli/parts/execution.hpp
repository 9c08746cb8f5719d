#pragma once

#include <string>
#include <vector>

/// What every place that starts another program needs.

namespace nodepool::cli {

/// Plus the number of a signal: the exit code that shells give to who was ended by it.
inline constexpr int kSignalled = 128;

/// As shells tell it, from what waitpid says of a process that has ended.
[[nodiscard]] int exit_code_of(int wait_status) noexcept;

/// Our environment with `extra` ("KEY=value") on top.
[[nodiscard]] std::vector<std::string> environment_with(const std::vector<std::string>& extra);

/// For execve: into the texts, with a null pointer at the end. Valid as long as they are.
[[nodiscard]] std::vector<char*> pointers_to(std::vector<std::string>& texts);

}  // namespace nodepool::cli
