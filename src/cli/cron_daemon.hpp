#pragma once

#include <optional>
#include <string>

#include "cli/command.hpp"
#include "cli/parts/cron_file.hpp"

namespace nodepool::cli {

/// The file of `nodepool cron FILE`, as the command line names it.
struct CronInput {
  std::string path;                  ///< "-": standard input.
  std::optional<CronFormat> format;  ///< None: by the name's end.
  CronFileOptions options;
};

/// Runs the daemon on a file that was read and has no faults; returns the exit code.
[[nodiscard]] int run_daemon(const CronInput& input, CronFile file, const Invocation& invocation);

}  // namespace nodepool::cli
