#include "cli/parts/demo_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/parts/clock_text.hpp"
#include "cli/parts/table.hpp"

namespace nodepool::cli {
namespace {

std::string milliseconds_text(std::chrono::nanoseconds duration) {
  return fmt::format("{:.1f}", milliseconds_of(duration));
}

std::string spread_text(const Spread& spread) {
  return fmt::format("{} / {} / {}", milliseconds_text(spread.min), milliseconds_text(spread.median),
                     milliseconds_text(spread.max));
}

std::vector<std::string> row_of(const HappeningReport& report) {
  return {report.name,
          std::to_string(report.moved.size()),
          report.moved.empty() ? "-" : spread_text(spread_of(report.moved)),
          std::to_string(report.unmoved.size()),
          report.unmoved.empty() ? "-" : milliseconds_text(spread_of(report.unmoved).max),
          report.steady_after ? milliseconds_text(*report.steady_after) : "never"};
}

/// A node that was killed does not tell; one that was frozen was not watched meanwhile, and tells that gap.
std::chrono::nanoseconds longest_check(const NodeRecord& record) {
  for (const Event& event : record.events) {
    if (const auto* revoked = std::get_if<RevokedEvent>(&event);
        revoked != nullptr && revoked->reason == RevokeReason::lease_lost)
      return {};
  }
  for (const Event& event : record.events) {
    if (const auto* checks = std::get_if<ChecksEvent>(&event)) return checks->longest;
  }
  return {};
}

std::string state_text(const Fleet::Node& node, const NodeRecord& record, const NodeNow& now) {
  if (record.killed_at) return "crashed";
  if (node.frozen) return "frozen";
  if (!now.state) return "starting";
  if (now.state == NodeState::stopped && node.leaving) return "left";
  return std::string(to_string(*now.state));
}

}  // namespace

DemoResult measure(const std::vector<Happening>& happenings, const std::vector<NodeRecord>& records,
                   WallTime now) {
  DemoResult result;
  const std::vector<Interval> intervals = intervals_of(records, now);
  result.intervals = intervals.size();
  result.overlaps = overlaps_of(intervals);
  for (const Happening& happening : happenings)
    result.reports.push_back(report_of(happening, records, intervals));
  for (const NodeRecord& record : records)
    result.longest_check = std::max(result.longest_check, longest_check(record));
  return result;
}

std::string summary_text(const DemoResult& result) {
  std::vector<std::vector<std::string>> rows{{"WHAT HAPPENED", "JOBS MOVED", "PAUSED MS (MIN / MEDIAN / MAX)",
                                              "JOBS UNMOVED", "PAUSED MS", "ALL STEADY AFTER MS"}};
  for (const HappeningReport& report : result.reports) rows.push_back(row_of(report));
  std::string text = format_table(rows);
  for (const HappeningReport& report : result.reports) {
    if (!report.unowned.empty()) {
      text += fmt::format("After \"{}\" nobody ran: {}\n", report.name, fmt::join(report.unowned, " "));
    }
  }
  for (const Overlap& overlap : result.overlaps) {
    text += fmt::format("TWO OWNERS of {}: {} and {} from {} to {}\n", overlap.job, overlap.one,
                        overlap.other, clock_text(overlap.from), clock_text(overlap.until));
  }
  text += "Measured from every node's own decisions, checked each millisecond";
  if (result.longest_check.count() > 0) {
    text += fmt::format(" (at most {} ms apart)", milliseconds_text(result.longest_check));
  }
  text += ".\n";
  text += fmt::format("Instants with two owners: {}\n", result.overlaps.size());
  return text;
}

std::string board_text(const std::vector<Fleet::Node>& nodes, const std::vector<NodeRecord>& records) {
  const WallTime now = std::chrono::system_clock::now();
  std::vector<std::vector<std::string>> rows{{"NODE", "STATE", "EPOCH", "JOBS", ""}};
  for (std::size_t index = 0; index < nodes.size(); ++index) {
    const NodeNow node = now_of(records[index], now);
    // A frozen or killed process cannot tell that it runs nothing.
    const bool silent = nodes[index].frozen || records[index].killed_at;
    rows.push_back({nodes[index].name, state_text(nodes[index], records[index], node),
                    std::to_string(node.epoch.value), silent ? "-" : std::to_string(node.jobs.size()),
                    silent ? std::string{} : fmt::format("{}", fmt::join(node.jobs, " "))});
  }
  return format_table(rows);
}

}  // namespace nodepool::cli
