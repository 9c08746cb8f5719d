#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "cli/parts/file_fault.hpp"
#include "nodepool/job_policy.hpp"
#include "nodepool/schedule.hpp"

/// What a file of `nodepool cron` says, whichever of the two forms it has (docs/cron-files.md). Values, and
/// pure functions: nothing here reads a file or a clock.

namespace nodepool::cli {

/// What is started when a job is due.
struct CronCommand {
  std::vector<std::string> words;        ///< argv, never empty; of a shell's line {shell, "-c", text}.
  std::string user;                      ///< Empty: the user that runs the daemon.
  std::string directory;                 ///< Absolute; empty: none is named.
  std::vector<std::string> environment;  ///< "NAME=value", each name once: beside what the daemon passes on.
  std::string input;                     ///< What its standard input gets; empty: nothing.

  bool operator==(const CronCommand&) const = default;
};

struct CronEntry {
  std::string name;  ///< Unique in its file, and a valid job name.
  cron::Schedule schedule;
  cron::JobPolicy policy;  ///< Valid.
  CronCommand command;
  std::chrono::milliseconds grace{};  ///< From TERM to KILL, at a timeout and when the job is handed over.
  std::size_t line = 1;               ///< Where it begins.
};

struct CronFile {
  std::vector<CronEntry> entries;  ///< As they stand in the file.
};

/// What a file does not say itself.
struct CronFileOptions {
  bool system = false;            ///< A crontab has a user between schedule and command, as /etc/crontab has.
  std::string time_zone = "UTC";  ///< For entries without one; it has to exist.
};

/// All faults at once, ascending.
using CronFileResult = tl::expected<CronFile, std::vector<FileFault>>;

enum class CronFormat { crontab, toml };

/// By the name's end: ".toml", or else a crontab.
[[nodiscard]] CronFormat cron_format_of(std::string_view path) noexcept;

/// Longest file, in bytes.
inline constexpr std::size_t kMaxCronFile = 1024UL * 1024;

/// Reads the text of a file in either form. Text with zero bytes, or that is no UTF-8, is refused whole.
[[nodiscard]] CronFileResult parse_cron_file(std::string_view text, CronFormat format,
                                             const CronFileOptions& options);

}  // namespace nodepool::cli
