#pragma once

#include <unistd.h>

#include <string_view>

namespace nodepool::bench {

/// The rest of a small service: says that it runs, or what is wrong, and waits until it is killed.
inline int serve(std::string_view problem = {}) {
  const std::string_view word = problem.empty() ? "ready\n" : problem;
  if (::write(STDOUT_FILENO, word.data(), word.size()) < 0 || !problem.empty()) return 1;
  while (true) ::pause();
}

}  // namespace nodepool::bench
