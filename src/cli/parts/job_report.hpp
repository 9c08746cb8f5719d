#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nodepool/cron.hpp"

namespace nodepool::cli {

/// A job of the fleet, with the newest entry of its history if it has one.
struct ReportedJob {
  cron::FleetJob job;
  std::optional<cron::HistoryEntry> last;
};

/// A table; `now`: what is next comes after it.
[[nodiscard]] std::string jobs_text(const std::vector<ReportedJob>& jobs, WallTime now);
/// One JSON array, and a line end.
[[nodiscard]] std::string jobs_json(const std::vector<ReportedJob>& jobs, WallTime now);

/// Newest first, as the entries are. `with_details`: what was put out, or went wrong, below each line.
[[nodiscard]] std::string history_text(const std::vector<cron::HistoryEntry>& entries, bool with_details);
[[nodiscard]] std::string history_json(const std::vector<cron::HistoryEntry>& entries);

}  // namespace nodepool::cli
