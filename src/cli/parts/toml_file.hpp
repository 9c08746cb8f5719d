#pragma once

#include <string_view>

#include "cli/parts/cron_file.hpp"

namespace nodepool::cli {

/// Reads a file of jobs in TOML; docs/cron-files.md has the form. `CronFileOptions::system` means nothing
/// here: each job may name its user. Pure. REQUIRES: UTF-8 without zero bytes; `parse_cron_file` sees to it.
[[nodiscard]] CronFileResult parse_toml(std::string_view text, const CronFileOptions& options);

}  // namespace nodepool::cli
