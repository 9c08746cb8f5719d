#include "cli/parts/toml_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace nodepool::cli {
namespace {

/// If the expression stands in the line as it is, a column in it is one of the line; else the message's
/// columns are left as they are, and are those of the text.
void add_fault_of(const TomlText& schedule, const Error& error, const std::vector<FileLine>& lines,
                  FaultList& faults) {
  const FileSpot start{schedule.spot.line, schedule.spot.column + 1};
  const std::string_view line = start.line <= lines.size() ? lines[start.line - 1].text : std::string_view();
  const bool as_it_is = start.column <= line.size() && !schedule.text.empty() &&
                        line.substr(start.column - 1).starts_with(schedule.text);
  if (as_it_is) {
    faults.add_schedule(start, error);
  } else {
    faults.add(schedule.spot, error.message);
  }
}

}  // namespace

void check_whole(const TomlJob& job, FaultList& faults) {
  const std::string shown = quoted_piece(job.name);
  if (!job.names_schedule) {
    faults.add(job.spot, fmt::format("the job {} has no schedule", shown));
  }
  if (!job.command_spot && !job.shell_spot) {
    faults.add(job.spot,
               fmt::format("the job {} has neither command nor shell; it takes one of them", shown));
  }
  if (job.command_spot && job.shell_spot) {
    faults.add(std::max(*job.command_spot, *job.shell_spot),
               fmt::format("the job {} has both command and shell; it takes one of them", shown));
  }
}

std::optional<CronEntry> entry_of(TomlJob job, const std::vector<FileLine>& lines, FaultList& faults) {
  if (!job.schedule) return std::nullopt;
  auto schedule = cron::Schedule::parse(job.schedule->text,
                                        {.time_zone = job.time_zone.value_or("UTC"), .job = job.name});
  if (!schedule) {
    add_fault_of(*job.schedule, schedule.error(), lines, faults);
    return std::nullopt;
  }
  for (const auto& [name, value] : job.environment)
    job.command.environment.push_back(fmt::format("{}={}", name, value));
  return CronEntry{std::move(job.name),    *std::move(schedule), job.rules.policy,
                   std::move(job.command), job.rules.grace,      job.spot.line};
}

std::size_t byte_column(std::string_view line, std::size_t character) {
  constexpr unsigned kMask = 0xC0;
  constexpr unsigned kContinuation = 0x80;
  std::size_t characters = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if ((static_cast<unsigned char>(line[i]) & kMask) != kContinuation) ++characters;
    if (characters == character) return i + 1;
  }
  return line.size() + 1;
}

}  // namespace nodepool::cli
