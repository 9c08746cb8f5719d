#pragma once

#include <string>

#include "nodepool/result.hpp"

namespace nodepool::cli {

/// What a cron file is called on the command line when it is standard input.
inline constexpr std::string_view kStandardInput = "-";

/// Reads a regular file, or standard input to its end. `not_found` if it cannot be read, `invalid_argument`
/// if it is no regular file or too long.
[[nodiscard]] Result<std::string> read_cron_text(const std::string& path);
/// As messages call it.
[[nodiscard]] std::string cron_file_title(const std::string& path);

}  // namespace nodepool::cli
