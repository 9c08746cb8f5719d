#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/parts/cron_file.hpp"
#include "cli/parts/job_rules.hpp"

/// What reading a file of jobs in TOML needs beside the library that reads TOML. Pure.

namespace nodepool::cli {

/// A text in the file, and where it begins: at its first quote.
struct TomlText {
  std::string text;
  FileSpot spot;
};

/// A job as far as it is read.
struct TomlJob {
  std::string name;
  FileSpot spot;
  bool names_schedule = false;  ///< Even if it is of the wrong kind.
  std::optional<TomlText> schedule;
  std::optional<std::string> time_zone;  ///< None: the file's.
  CronCommand command;
  std::optional<FileSpot> command_spot;
  std::optional<FileSpot> shell_spot;
  Variables environment;
  JobRules rules;
};

/// Faults of the job as a whole: what is missing, and what excludes each other.
void check_whole(const TomlJob& job, FaultList& faults);
/// The entry, or a fault of its schedule. REQUIRES: the job has a time zone.
[[nodiscard]] std::optional<CronEntry> entry_of(TomlJob job, const std::vector<FileLine>& lines,
                                                FaultList& faults);

/// Where the character begins that is the `character`th of the line, from 1; in bytes, from 1.
[[nodiscard]] std::size_t byte_column(std::string_view line, std::size_t character);

}  // namespace nodepool::cli
