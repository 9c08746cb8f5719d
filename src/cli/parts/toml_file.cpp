#include "cli/parts/toml_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include "cli/parts/job_rules.hpp"
#include "cli/parts/printable.hpp"
#include "cli/parts/toml_job.hpp"
#include "cli/parts/toml_scan.hpp"

namespace nodepool::cli {
namespace {

/// The library relied on something that a file does not keep to, such as a key behind "[[".
class BrokenAssumption : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

constexpr void assume(bool holds) {
  if (!holds) throw BrokenAssumption("a file broke an assumption of the TOML library");
}

}  // namespace
}  // namespace nodepool::cli

// Only this file sees the library, and compiles it: nothing of it is linked. What it would only assert, and
// in release builds take for granted, is checked always.
#undef NDEBUG
#define TOML_ASSERT(condition) ::nodepool::cli::assume(static_cast<bool>(condition))
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace nodepool::cli {
namespace {

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::table:
      return "a table";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return "a date or time";
    case toml::node_type::none:
      break;
  }
  return "nothing";
}

/// None if it broke the library's assumptions.
std::optional<toml::parse_result> parsed_by_library(std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const BrokenAssumption&) {
    return std::nullopt;
  }
}

class TomlReader {
 public:
  TomlReader(std::string_view text, const CronFileOptions& options)
      : lines_(lines_of(text)), time_zone_(options.time_zone) {}

  [[nodiscard]] CronFileResult read(std::string_view text);

 private:
  void refuse(FileSpot spot, std::string message) { faults_.add(spot, std::move(message)); }
  void refuse(FileSpot spot, const Error& error) { faults_.add(spot, error.message); }
  /// The library counts the columns of characters.
  [[nodiscard]] FileSpot spot_of(const toml::source_position& position) const;
  [[nodiscard]] FileSpot spot_of(const toml::node& node) const { return spot_of(node.source().begin); }
  [[nodiscard]] FileSpot spot_of(const toml::key& key) const { return spot_of(key.source().begin); }
  /// The value if it is of the kind wanted; else that is a fault.
  [[nodiscard]] std::optional<TomlText> text_of(std::string_view key, const toml::node& node,
                                                std::string_view example);
  [[nodiscard]] const toml::table* table_of(std::string_view key, const toml::node& node,
                                            std::string_view example);
  /// Of a text that a program will be given: those end with a zero byte.
  [[nodiscard]] bool is_whole(const TomlText& text);
  [[nodiscard]] std::optional<std::string> zone_of(std::string_view key, const toml::node& node);

  [[nodiscard]] std::size_t breaking_line(std::string_view text) const;
  void read_root(const toml::table& root);
  void read_environment(const toml::node& node, Variables& variables);
  void read_jobs(const toml::table& jobs);
  void read_job(const toml::table& table, TomlJob& job);
  [[nodiscard]] bool read_command_key(std::string_view key, const toml::node& node, TomlJob& job);
  void read_command(const toml::node& node, TomlJob& job);
  void read_shell(const toml::node& node, TomlJob& job);
  void read_user(const toml::node& node, TomlJob& job);
  void read_directory(const toml::node& node, TomlJob& job);
  void read_rule(const std::string& key, const toml::node& node, JobRules& rules);

  std::vector<FileLine> lines_;
  FaultList faults_;
  std::string time_zone_;
  Variables environment_;
  std::vector<TomlJob> jobs_;
};

FileSpot TomlReader::spot_of(const toml::source_position& position) const {
  const FileSpot spot{std::max<std::size_t>(position.line, 1), std::max<std::size_t>(position.column, 1)};
  if (spot.line > lines_.size()) return spot;
  return {spot.line, byte_column(lines_[spot.line - 1].text, spot.column)};
}

CronFileResult TomlReader::read(std::string_view text) {
  scan_toml(text, faults_);
  if (!faults_.empty()) return tl::unexpected(std::move(faults_).sorted());
  const auto parsed = parsed_by_library(text);
  if (!parsed) {
    refuse({breaking_line(text), 1}, "this is no TOML: a key is missing in this line");
  } else if (!*parsed) {
    const toml::parse_error& error = parsed->error();
    refuse(spot_of(error.source().begin), fmt::format("this is no TOML: {}", printable(error.description())));
  } else {
    read_root(parsed->table());
  }
  CronFile file;
  for (TomlJob& job : jobs_) {
    if (!job.time_zone) job.time_zone = time_zone_;
    if (auto entry = entry_of(std::move(job), lines_, faults_)) file.entries.push_back(*std::move(entry));
  }
  if (!faults_.empty()) return tl::unexpected(std::move(faults_).sorted());
  return file;
}

/// The library reads from the beginning on, so all texts that end before this line pass.
std::size_t TomlReader::breaking_line(std::string_view text) const {
  const auto first = std::ranges::partition_point(lines_, [&](const FileLine& line) {
    const auto end = static_cast<std::size_t>(line.text.data() - text.data()) + line.text.size();
    return parsed_by_library(text.substr(0, end)).has_value();
  });
  return first == lines_.end() ? lines_.size() : first->number;
}

std::optional<TomlText> TomlReader::text_of(std::string_view key, const toml::node& node,
                                            std::string_view example) {
  if (const auto* text = node.as_string()) return TomlText{text->get(), spot_of(node)};
  refuse(spot_of(node), fmt::format("{} is {}; it takes a text, such as {}", key, kind_of(node), example));
  return std::nullopt;
}

const toml::table* TomlReader::table_of(std::string_view key, const toml::node& node,
                                        std::string_view example) {
  if (const auto* table = node.as_table()) return table;
  refuse(spot_of(node), fmt::format("{} is {}; it takes a table, such as {}", key, kind_of(node), example));
  return nullptr;
}

bool TomlReader::is_whole(const TomlText& text) {
  if (text.text.find('\0') == std::string::npos) return true;
  refuse(text.spot, "there is a zero byte in this text; no program can be given one");
  return false;
}

std::optional<std::string> TomlReader::zone_of(std::string_view key, const toml::node& node) {
  auto zone = text_of(key, node, "\"Europe/Berlin\"");
  if (!zone) return std::nullopt;
  if (const auto valid = validate_time_zone(zone->text); !valid) {
    refuse(zone->spot, valid.error());
    return std::nullopt;
  }
  return std::move(zone->text);
}

void TomlReader::read_root(const toml::table& root) {
  const toml::table* jobs = nullptr;
  for (const auto& [key, node] : root) {
    if (key == "time_zone") {
      if (auto zone = zone_of(key.str(), node)) time_zone_ = *std::move(zone);
    } else if (key == "environment") {
      read_environment(node, environment_);
    } else if (key == "jobs") {
      jobs = table_of(key.str(), node, "[jobs.backup]");
    } else {
      refuse(spot_of(key), fmt::format("{} is no key of a file; there are time_zone, environment and jobs",
                                       quoted_piece(key.str())));
    }
  }
  if (jobs != nullptr) read_jobs(*jobs);
}

void TomlReader::read_environment(const toml::node& node, Variables& variables) {
  const toml::table* table = table_of("environment", node, "{PATH = \"/usr/bin:/bin\"}");
  if (table == nullptr) return;
  for (const auto& [key, value] : *table) {
    const std::string name(key.str());
    if (const auto valid = validate_variable_name(name); !valid) {
      refuse(spot_of(key), valid.error());
    } else if (auto text = text_of(name, value, "\"value\""); text && is_whole(*text)) {
      variables[name] = std::move(text->text);
    }
  }
}

void TomlReader::read_jobs(const toml::table& jobs) {
  for (const auto& [key, node] : jobs) {
    TomlJob job;
    job.name = key.str();
    job.spot = spot_of(key);
    job.environment = environment_;
    if (const auto valid = validate_given_name(job.name); !valid) refuse(job.spot, valid.error());
    const toml::table* table = table_of(quoted_piece(job.name), node, "[jobs.backup]");
    if (table == nullptr) continue;
    read_job(*table, job);
    jobs_.push_back(std::move(job));
  }
  // The library keeps tables sorted by their keys.
  std::sort(jobs_.begin(), jobs_.end(), [](const auto& a, const auto& b) { return a.spot < b.spot; });
}

void TomlReader::read_job(const toml::table& table, TomlJob& job) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (name == "schedule") {
      job.schedule = text_of(name, node, "\"30 2 * * *\"");
      job.names_schedule = true;
    } else if (name == "time_zone") {
      job.time_zone = zone_of(name, node);
    } else if (name == "environment") {
      read_environment(node, job.environment);
    } else if (rule_kind(name)) {
      read_rule(name, node, job.rules);
    } else if (!read_command_key(name, node, job)) {
      refuse(spot_of(key),
             fmt::format("{} is no key of a job; there are schedule, time_zone, command, shell, user, "
                         "directory, environment, input, {}",
                         quoted_piece(name), rule_keys()));
    }
  }
  check_whole(job, faults_);
}

bool TomlReader::read_command_key(std::string_view key, const toml::node& node, TomlJob& job) {
  if (key == "command") {
    read_command(node, job);
  } else if (key == "shell") {
    read_shell(node, job);
  } else if (key == "user") {
    read_user(node, job);
  } else if (key == "directory") {
    read_directory(node, job);
  } else if (key == "input") {
    if (auto input = text_of(key, node, "\"text\"")) job.command.input = std::move(input->text);
  } else {
    return false;
  }
  return true;
}

void TomlReader::read_command(const toml::node& node, TomlJob& job) {
  job.command_spot = spot_of(node);
  const toml::array* words = node.as_array();
  if (words == nullptr) {
    return refuse(spot_of(node),
                  fmt::format("command is {}; it takes an array of words, such as [\"/usr/bin/backup\", "
                              "\"--all\"]; a line for the shell is the value of shell",
                              kind_of(node)));
  }
  for (const toml::node& word : *words) {
    auto text = text_of("a word of command", word, "\"--all\"");
    if (text && is_whole(*text)) job.command.words.push_back(std::move(text->text));
  }
  const bool has_program = !words->empty() && !words->front().value_or(std::string("?")).empty();
  if (!has_program) refuse(spot_of(node), "command names no program; its first word does");
}

void TomlReader::read_shell(const toml::node& node, TomlJob& job) {
  job.shell_spot = spot_of(node);
  auto line = text_of("shell", node, "\"sort a | uniq > b\"");
  if (!line || !is_whole(*line)) return;
  if (line->text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return refuse(line->spot, "shell has no command in it");
  }
  job.command.words = {"/bin/sh", "-c", std::move(line->text)};
}

void TomlReader::read_user(const toml::node& node, TomlJob& job) {
  auto user = text_of("user", node, "\"backup\"");
  if (!user) return;
  if (const auto valid = validate_user_name(user->text); !valid) return refuse(user->spot, valid.error());
  job.command.user = std::move(user->text);
}

void TomlReader::read_directory(const toml::node& node, TomlJob& job) {
  auto directory = text_of("directory", node, "\"/var/lib/backup\"");
  if (!directory || !is_whole(*directory)) return;
  if (!directory->text.starts_with('/')) {
    return refuse(directory->spot,
                  fmt::format("directory is {}; it takes an absolute path", quoted_piece(directory->text)));
  }
  job.command.directory = std::move(directory->text);
}

void TomlReader::read_rule(const std::string& key, const toml::node& node, JobRules& rules) {
  std::string value;
  if (rule_kind(key) == RuleKind::count) {
    const auto* count = node.as_integer();
    if (count == nullptr) {
      return refuse(spot_of(node), fmt::format("{} is {}; it takes an integer", key, kind_of(node)));
    }
    value = std::to_string(count->get());
  } else {
    const char* const word = key == "overlap" ? "\"queue\"" : "\"skip\"";
    auto text = text_of(key, node, rule_kind(key) == RuleKind::duration ? "\"90s\" or \"5m\"" : word);
    if (!text) return;
    value = std::move(text->text);
  }
  if (const auto set = set_rule(rules, key, value); !set) refuse(spot_of(node), set.error());
}

}  // namespace

CronFileResult parse_toml(std::string_view text, const CronFileOptions& options) {
  return TomlReader(text, options).read(text);
}

}  // namespace nodepool::cli
