#include "cli/parts/cron_file.hpp"

#include <algorithm>
#include <set>

#include "core/utf8.hpp"
#include "fuzz/finding.hpp"
#include "fuzz/targets.hpp"
#include "nodepool/types.hpp"

namespace nodepool::fuzz {
namespace {

using cli::CronFile;

bool is_printable(std::string_view text) {
  return is_utf8(text) &&
         std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
}

void check_faults(const std::vector<cli::FileFault>& faults, std::string_view bytes) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(bytes, '\n')) + 1;
  expect(!faults.empty(), "a file that is refused has a fault");
  expect(std::ranges::is_sorted(faults), "faults are ascending");
  for (const cli::FileFault& fault : faults) {
    expect(fault.line >= 1 && fault.line <= lines + 1 && fault.column >= 1, "a fault is in the file");
    expect(!fault.message.empty() && is_printable(fault.message), "a message is printable");
  }
}

void check_command(const cli::CronCommand& command) {
  expect(!command.words.empty() && !command.words.front().empty(), "there is a program");
  std::vector<std::string> texts = command.words;
  texts.push_back(command.user);
  texts.push_back(command.directory);
  std::set<std::string> names;
  for (const std::string& variable : command.environment) {
    texts.push_back(variable);
    const std::size_t sign = variable.find('=');
    expect(sign != std::string::npos && sign > 0, "a variable has a name");
    expect(names.insert(variable.substr(0, sign)).second, "a variable is there once");
  }
  for (const std::string& text : texts)
    expect(text.find('\0') == std::string::npos, "a program can be given it");
}

void check_entries(const CronFile& file) {
  std::set<std::string> names;
  for (const cli::CronEntry& entry : file.entries) {
    expect(validate_job_name(entry.name).has_value(), "a name is valid");
    expect(!entry.name.starts_with("@nodepool/"), "no name is ours");
    expect(names.insert(entry.name).second, "a name is there once");
    expect(cron::validate(entry.policy).has_value(), "a policy is valid");
    expect(!entry.schedule.describe().empty(), "every schedule can be described");
    check_command(entry.command);
  }
}

void check_file(std::string_view bytes, cli::CronFormat format, const cli::CronFileOptions& options) {
  const auto read = cli::parse_cron_file(bytes, format, options);
  if (!read) return check_faults(read.error(), bytes);
  check_entries(*read);
  const auto again = cli::parse_cron_file(bytes, format, options);
  const bool same =
      again && std::ranges::equal(again->entries, read->entries, [](const auto& a, const auto& b) {
        return a.name == b.name && a.command == b.command && a.line == b.line;
      });
  expect(same, "a file means the same each time");
}

}  // namespace

void cron_file(std::string_view bytes) {
  check_file(bytes, cli::CronFormat::crontab, {});
  check_file(bytes, cli::CronFormat::crontab, {.system = true, .time_zone = "Europe/Berlin"});
  check_file(bytes, cli::CronFormat::toml, {});
}

}  // namespace nodepool::fuzz
