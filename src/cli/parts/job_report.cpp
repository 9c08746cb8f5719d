#include "cli/parts/job_report.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/parts/clock_text.hpp"
#include "cli/parts/duration.hpp"
#include "cli/parts/printable.hpp"
#include "cli/parts/table.hpp"

namespace nodepool::cli {
namespace {

using ReportJson = nlohmann::ordered_json;
using cron::HistoryEntry;

/// The store has "EXPRESSION ZONE"; the text of a long one was cut, and cannot be read.
std::optional<WallTime> next_of(const cron::FleetJob& job, WallTime now) {
  const std::size_t blank = job.schedule.rfind(' ');
  if (job.is_paused || blank == std::string::npos) return std::nullopt;
  const auto schedule = cron::Schedule::parse(job.schedule.substr(0, blank),
                                              {.time_zone = job.schedule.substr(blank + 1), .job = job.name});
  return schedule ? schedule->next(now) : std::nullopt;
}

std::string second_text(std::optional<WallTime> time) {
  if (!time) return "-";
  const std::string text = utc_text(*time);
  return text.substr(0, text.find('.')) + "Z";
}

std::string what_goes_on(const cron::FleetJob& job) {
  std::string nodes;
  for (const cron::FleetRun& run : job.running)
    nodes += (nodes.empty() ? "runs on " : ", ") + printable(run.node);
  const std::string waiting = job.waiting > 0 ? fmt::format("{} waiting", job.waiting) : std::string();
  std::string state;
  for (const std::string& part : {std::string(job.is_paused ? "paused" : ""), nodes, waiting}) {
    if (!part.empty()) state += (state.empty() ? "" : "; ") + part;
  }
  return state.empty() ? "-" : state;
}

std::string result_of(const HistoryEntry& entry) {
  const std::string name(to_string(entry.outcome));
  return entry.count > 1 ? fmt::format("{} ({} times)", name, entry.count) : name;
}

std::string time_taken(const HistoryEntry& entry) {
  if (!entry.started || !entry.ended) return "-";
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(*entry.ended - *entry.started);
  return took.count() < 0 ? "-" : format_duration(took);
}

std::string indented(const std::string& detail) {
  std::string text;
  std::size_t start = 0;
  while (start < detail.size()) {
    const std::size_t end = std::min(detail.find('\n', start), detail.size());
    text += "    " + printable(detail.substr(start, end - start)) + "\n";
    start = end + 1;
  }
  return text;
}

ReportJson time_json(std::optional<WallTime> time) {
  return time ? ReportJson(utc_text(*time)) : ReportJson();
}

ReportJson entry_json(const HistoryEntry& entry) {
  return {{"scheduled", utc_text(entry.scheduled)},
          {"count", entry.count},
          {"outcome", to_string(entry.outcome)},
          {"started", time_json(entry.started)},
          {"ended", time_json(entry.ended)},
          {"attempt", entry.attempt},
          {"token", entry.token.value},
          {"node", entry.node},
          {"detail", entry.detail}};
}

}  // namespace

std::string jobs_text(const std::vector<ReportedJob>& jobs, WallTime now) {
  std::vector<std::vector<std::string>> rows{{"JOB", "SCHEDULE", "NEXT", "LAST", "RESULT", "STATE"}};
  for (const auto& [job, last] : jobs) {
    rows.push_back({printable(job.name), printable(job.schedule), second_text(next_of(job, now)),
                    second_text(last ? std::optional(last->scheduled) : std::nullopt),
                    last ? result_of(*last) : "-", what_goes_on(job)});
  }
  return format_table(rows);
}

std::string jobs_json(const std::vector<ReportedJob>& jobs, WallTime now) {
  ReportJson all = ReportJson::array();
  for (const auto& [job, last] : jobs) {
    ReportJson running = ReportJson::array();
    for (const cron::FleetRun& run : job.running) {
      running.push_back({{"scheduled", utc_text(run.scheduled)},
                         {"started", utc_text(run.started)},
                         {"attempt", run.attempt},
                         {"token", run.token.value},
                         {"node", run.node}});
    }
    all.push_back({{"name", job.name},
                   {"schedule", job.schedule},
                   {"next", time_json(next_of(job, now))},
                   {"paused", job.is_paused},
                   {"waiting", job.waiting},
                   {"running", running},
                   {"last", last ? entry_json(*last) : ReportJson()}});
  }
  return all.dump() + "\n";
}

std::string history_text(const std::vector<HistoryEntry>& entries, bool with_details) {
  std::vector<std::vector<std::string>> rows{{"SCHEDULED", "STARTED", "TOOK", "NODE", "ATTEMPT", "RESULT"}};
  for (const HistoryEntry& entry : entries) {
    rows.push_back({second_text(entry.scheduled), second_text(entry.started), time_taken(entry),
                    printable(entry.node), entry.started ? std::to_string(entry.attempt) : "-",
                    result_of(entry)});
  }
  std::string table = format_table(rows);
  if (!with_details) return table;
  std::string text = table.substr(0, table.find('\n') + 1);
  std::size_t start = text.size();
  for (const HistoryEntry& entry : entries) {
    const std::size_t end = table.find('\n', start) + 1;
    text += table.substr(start, end - start) + indented(entry.detail);
    start = end;
  }
  return text;
}

std::string history_json(const std::vector<HistoryEntry>& entries) {
  ReportJson all = ReportJson::array();
  for (const HistoryEntry& entry : entries) all.push_back(entry_json(entry));
  return all.dump(-1, ' ', false, ReportJson::error_handler_t::replace) + "\n";
}

}  // namespace nodepool::cli
