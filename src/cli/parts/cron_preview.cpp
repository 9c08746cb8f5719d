#include "cli/parts/cron_preview.hpp"

#include <cctz/time_zone.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <queue>
#include <set>
#include <utility>

#include "cli/parts/duration.hpp"
#include "cli/parts/printable.hpp"
#include "cli/parts/table.hpp"

namespace nodepool::cli {
namespace {

constexpr const char* kForTables = "%Y-%m-%d %H:%M:%S%Ez";
constexpr const char* kForPrograms = "%Y-%m-%dT%H:%M:%S%Ez";
constexpr const char* kForProgramsInUtc = "%Y-%m-%dT%H:%M:%SZ";

/// The zones of the entries, UTC apart, in the order of their names.
std::vector<std::pair<std::string, cctz::time_zone>> zones_of(const CronFile& file) {
  std::set<std::string> names;
  for (const CronEntry& entry : file.entries) names.insert(entry.schedule.time_zone());
  names.erase("UTC");
  std::vector<std::pair<std::string, cctz::time_zone>> zones;
  for (const std::string& name : names) {
    cctz::time_zone zone;
    if (cctz::load_time_zone(name, &zone)) zones.emplace_back(name, zone);
  }
  return zones;
}

std::string description_of(const CronEntry& entry) {
  std::string text = entry.schedule.describe();
  if (entry.policy.jitter.count() > 0) {
    text += fmt::format("; starts within {}", format_duration(entry.policy.jitter));
  }
  return text;
}

std::string unused_text(const CronFile& file, WallTime after) {
  std::string names;
  for (const CronEntry* entry : never_due(file, after)) {
    names += fmt::format("{}{} (line {})", names.empty() ? "" : ", ", printable(entry->name), entry->line);
  }
  return names.empty() ? names : fmt::format("Never due: {}\n", names);
}

}  // namespace

std::vector<Firing> next_firings(const CronFile& file, WallTime after, std::size_t count) {
  const auto later = [](const Firing& a, const Firing& b) {
    // The entries are in one vector, so their addresses are in the file's order.
    return std::pair(a.at, a.entry) > std::pair(b.at, b.entry);
  };
  std::priority_queue<Firing, std::vector<Firing>, decltype(later)> due(later);
  const auto push_next = [&](const CronEntry& entry, WallTime before) {
    if (const auto at = entry.schedule.next(before)) due.push({*at, &entry});
  };
  for (const CronEntry& entry : file.entries) push_next(entry, after);
  std::vector<Firing> firings;
  while (firings.size() < count && !due.empty()) {
    firings.push_back(due.top());
    due.pop();
    push_next(*firings.back().entry, firings.back().at);
  }
  return firings;
}

std::vector<const CronEntry*> never_due(const CronFile& file, WallTime after) {
  std::vector<const CronEntry*> entries;
  for (const CronEntry& entry : file.entries) {
    if (!entry.schedule.next(after)) entries.push_back(&entry);
  }
  return entries;
}

std::string preview_text(const CronFile& file, WallTime after, std::size_t count) {
  const auto zones = zones_of(file);
  const cctz::time_zone local = cctz::local_time_zone();
  std::vector<std::vector<std::string>> rows(1, {"UTC"});
  for (const auto& [name, zone] : zones) rows[0].push_back(name);
  for (const char* title : {"LOCAL", "NAME", "SCHEDULE"}) rows[0].emplace_back(title);
  for (const Firing& firing : next_firings(file, after, count)) {
    std::vector<std::string> row{cctz::format("%Y-%m-%d %H:%M:%SZ", firing.at, cctz::utc_time_zone())};
    for (const auto& [name, zone] : zones) row.push_back(cctz::format(kForTables, firing.at, zone));
    row.push_back(cctz::format(kForTables, firing.at, local));
    row.push_back(printable(firing.entry->name));
    row.push_back(description_of(*firing.entry));
    rows.push_back(std::move(row));
  }
  return format_table(rows) + unused_text(file, after);
}

std::string preview_json(const CronFile& file, WallTime after, std::size_t count) {
  const auto zones = zones_of(file);
  const cctz::time_zone local = cctz::local_time_zone();
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  for (const Firing& firing : next_firings(file, after, count)) {
    nlohmann::ordered_json times = nlohmann::ordered_json::object();
    for (const auto& [name, zone] : zones) times[name] = cctz::format(kForPrograms, firing.at, zone);
    array.push_back({{"at", cctz::format(kForProgramsInUtc, firing.at, cctz::utc_time_zone())},
                     {"zones", std::move(times)},
                     {"local", cctz::format(kForPrograms, firing.at, local)},
                     {"name", firing.entry->name},
                     {"schedule", firing.entry->schedule.expression()},
                     {"time_zone", firing.entry->schedule.time_zone()},
                     {"description", firing.entry->schedule.describe()},
                     {"jitter_ms", firing.entry->policy.jitter.count()},
                     {"line", firing.entry->line}});
  }
  return array.dump() + '\n';
}

std::string check_text(std::string_view title, const CronFile& file) {
  const std::size_t count = file.entries.size();
  return fmt::format("{}: {} {}, no faults\n", title, count, count == 1 ? "entry" : "entries");
}

std::string check_json(std::string_view title, const CronFileResult& result) {
  nlohmann::ordered_json faults = nlohmann::ordered_json::array();
  if (!result) {
    for (const FileFault& fault : result.error()) {
      faults.push_back({{"line", fault.line}, {"column", fault.column}, {"message", fault.message}});
    }
  }
  const nlohmann::ordered_json object{
      {"file", title}, {"entries", result ? result->entries.size() : 0}, {"faults", std::move(faults)}};
  return object.dump() + '\n';
}

Result<WallTime> parse_instant(const std::string& text) {
  cctz::time_point<cctz::seconds> instant;
  const cctz::time_point<cctz::seconds> last(
      std::chrono::floor<std::chrono::seconds>(WallTime::max()).time_since_epoch());
  const bool is_read = cctz::parse(kForPrograms, text, cctz::utc_time_zone(), &instant);
  if (is_read && instant.time_since_epoch().count() >= 0 && instant <= last) return WallTime(instant);
  return failure(ErrorCode::invalid_argument,
                 fmt::format("\"{}\" is no instant from 1970 on; write one such as 2026-03-29T00:00:00Z or "
                             "2026-03-29T02:00:00+02:00",
                             printable(text)));
}

}  // namespace nodepool::cli
