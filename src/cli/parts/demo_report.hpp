#pragma once

#include <string>
#include <vector>

#include "cli/parts/fleet.hpp"
#include "cli/parts/timeline.hpp"

namespace nodepool::cli {

/// What a demonstration measured.
struct DemoResult {
  std::vector<HappeningReport> reports;
  std::vector<Overlap> overlaps;
  std::size_t intervals = 0;
  std::chrono::nanoseconds longest_check{0};  ///< Of the nodes that were never stopped.
};

/// Measures all that was recorded. `now` is where the intervals of nodes that still run end.
[[nodiscard]] DemoResult measure(const std::vector<Happening>& happenings,
                                 const std::vector<NodeRecord>& records, WallTime now);
/// The summary for people.
[[nodiscard]] std::string summary_text(const DemoResult& result);
/// What every node is doing, as a table.
[[nodiscard]] std::string board_text(const std::vector<Fleet::Node>& nodes,
                                     const std::vector<NodeRecord>& records);

}  // namespace nodepool::cli
