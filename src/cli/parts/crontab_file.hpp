#pragma once

#include <string_view>

#include "cli/parts/cron_file.hpp"

namespace nodepool::cli {

/// Reads a crontab(5), with `# nodepool: ...` lines above entries; docs/cron-files.md has the form. Pure.
/// REQUIRES: UTF-8 without zero bytes; `parse_cron_file` sees to it.
[[nodiscard]] CronFileResult parse_crontab(std::string_view text, const CronFileOptions& options);

}  // namespace nodepool::cli
