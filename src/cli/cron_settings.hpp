#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cli/parts/cron_file.hpp"
#include "cli/parts/run_log.hpp"
#include "cli/pool_arguments.hpp"

namespace nodepool::cli {

/// The file of `nodepool cron FILE`, as the command line names it.
struct CronInput {
  std::string path;                  ///< "-": standard input.
  std::optional<CronFormat> format;  ///< None: by the name's end.
  CronFileOptions options;
};

/// How the daemon runs it.
struct CronSettings {
  CronInput input;
  PoolArguments pool;
  std::chrono::milliseconds lease_grace{0};  ///< From TERM to KILL where the lease ends.
  unsigned most_runs = 64;
  bool show_output = true;
  LogFormat log_format = LogFormat::logfmt;
};

}  // namespace nodepool::cli
