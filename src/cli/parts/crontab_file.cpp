#include "cli/parts/crontab_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "cli/parts/cron_name.hpp"
#include "cli/parts/crontab_line.hpp"
#include "cli/parts/job_rules.hpp"

namespace nodepool::cli {
namespace {

/// A `# nodepool:` line that waits for its entry, or several in a row.
struct Directive {
  FileSpot spot;
  JobRules rules;
  std::string name;  ///< Empty: none is given.
  FileSpot name_spot;
  std::set<std::string, std::less<>> keys;
};

/// An entry whose name is not known yet: `~` in its schedule waits for that.
struct EntryDraft {
  FileSpot spot;
  std::string expression;
  std::string time_zone;
  Directive said;
  CronCommand command;
  EntryIdentity identity;
};

class CrontabReader {
 public:
  explicit CrontabReader(const CronFileOptions& options)
      : is_system_(options.system), time_zone_(options.time_zone) {}

  [[nodiscard]] CronFileResult read(std::string_view text) {
    for (const FileLine& line : lines_of(text)) {
      line_ = line.number;
      read_line(without_blanks({line.text, 1}));
    }
    end_directive();
    CronFile file = finish();
    if (!faults_.empty()) return tl::unexpected(std::move(faults_).sorted());
    return file;
  }

 private:
  [[nodiscard]] FileSpot spot(LinePiece piece) const { return {line_, piece.column}; }

  void read_line(LinePiece line);
  void end_directive();
  void read_comment(LinePiece comment);
  void read_directive(LinePiece hash, LinePiece line);
  void read_key(Directive& directive, LinePiece word);
  void read_variable(const EnvironmentLine& variable);
  void set_meaning(const EnvironmentLine& variable);
  void set_time_zone(const EnvironmentLine& variable);
  void set_random_delay(const EnvironmentLine& variable);
  void read_entry(LinePiece line);
  /// Takes the schedule off the line; none if the line is too short for one.
  [[nodiscard]] std::optional<LinePiece> take_schedule(LinePiece& line);
  void read_command(LinePiece text, EntryDraft& draft);
  [[nodiscard]] CronFile finish();

  bool is_system_;
  FaultList faults_;
  std::size_t line_ = 0;
  // What the lines so far mean for the entries below them.
  std::string time_zone_;
  std::string shell_ = "/bin/sh";
  Variables variables_;
  JobRules rules_;  ///< Of an entry without directive.
  std::optional<Directive> directive_;
  std::vector<EntryDraft> drafts_;
};

void CrontabReader::read_line(LinePiece line) {
  if (line.text.starts_with('#')) return read_comment(line);
  if (line.text.empty()) return end_directive();
  const auto variable = read_environment_line(line);
  if (variable && !*variable) return read_entry(line);
  end_directive();
  if (variable) return read_variable(**variable);
  faults_.add({line_, variable.error().column}, variable.error().message);
}

void CrontabReader::end_directive() {
  if (!directive_) return;
  faults_.add(directive_->spot, "a '# nodepool:' line stands directly above its entry; there is none");
  directive_.reset();
}

void CrontabReader::read_comment(LinePiece comment) {
  constexpr std::string_view kOurs = "nodepool:";
  LinePiece rest = without_blanks(behind(comment, 1));
  if (rest.text.starts_with(kOurs)) return read_directive(comment, behind(rest, kOurs.size()));
  end_directive();
  std::string first(take_word(rest).text);
  std::transform(first.begin(), first.end(), first.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  // Meant for us, and it would be ignored.
  if ((first == "nodepool" || first == kOurs) && rest.text.find('=') != std::string_view::npos) {
    faults_.add(spot(comment), "a line that says how an entry is run begins with '# nodepool:'");
  }
}

void CrontabReader::read_directive(LinePiece hash, LinePiece line) {
  if (!directive_) directive_ = Directive{spot(hash), rules_, {}, {}, {}};
  for (const LinePiece word : words_of(line)) read_key(*directive_, word);
}

void CrontabReader::read_key(Directive& directive, LinePiece word) {
  const std::size_t sign = word.text.find('=');
  const std::string key(word.text.substr(0, sign));
  if (key != "name" && !rule_kind(key)) {
    return faults_.add(spot(word),
                       fmt::format("{} is no key; there are name, {}", quoted_piece(key), rule_keys()));
  }
  if (sign == std::string_view::npos) {
    return faults_.add(spot(word), fmt::format("{0} has no value; write {0}=VALUE", key));
  }
  if (!directive.keys.insert(key).second) {
    return faults_.add(spot(word), fmt::format("{} is said twice of one entry", key));
  }
  const LinePiece value = behind(word, sign + 1);
  const std::string text(value.text);
  const auto set = key == "name" ? validate_given_name(text) : set_rule(directive.rules, key, text);
  if (!set) return faults_.add(spot(value), set.error().message);
  if (key != "name") return;
  directive.name = text;
  directive.name_spot = spot(value);
}

void CrontabReader::read_variable(const EnvironmentLine& variable) {
  if (const auto valid = validate_variable_name(variable.name); !valid) {
    return faults_.add({line_, variable.name_column}, valid.error().message);
  }
  set_meaning(variable);
}

void CrontabReader::set_meaning(const EnvironmentLine& variable) {
  const auto refuse = [&](const char* why) { faults_.add({line_, variable.value_column}, why); };
  const bool is_absolute = variable.value.starts_with('/');
  if (variable.name == "CRON_TZ") return set_time_zone(variable);
  if (variable.name == "RANDOM_DELAY") return set_random_delay(variable);
  if (variable.name == "MAILTO") {
    if (variable.value.empty()) return;
    return refuse(
        "no mail is sent: the end of a run's output is kept in the job's history; write MAILTO=\"\"");
  }
  if (variable.name == "LOGNAME") {
    return refuse("LOGNAME cannot be set: it is the user that the command runs as");
  }
  if (variable.name == "TZ" && variable.value.find(' ') != std::string::npos) {
    return refuse("this is no time zone; an entry stands on a line of its own, below a line CRON_TZ=ZONE");
  }
  if ((variable.name == "SHELL" || variable.name == "HOME") && !is_absolute) {
    return refuse("this is no absolute path, and which folder it would start from is not known");
  }
  if (variable.name == "SHELL") shell_ = variable.value;
  variables_[variable.name] = variable.value;
}

void CrontabReader::set_time_zone(const EnvironmentLine& variable) {
  const FileSpot place{line_, variable.value_column};
  if (variable.value.find_first_of(" \t") != std::string::npos) {
    return faults_.add(place, "CRON_TZ=ZONE is a line of its own, for the entries below it");
  }
  if (const auto valid = validate_time_zone(variable.value); !valid) {
    return faults_.add(place, valid.error().message);
  }
  time_zone_ = variable.value;
}

void CrontabReader::set_random_delay(const EnvironmentLine& variable) {
  constexpr unsigned kMost = 24 * 60;
  unsigned minutes = 0;
  const char* const end = variable.value.data() + variable.value.size();
  const auto [rest, error] = std::from_chars(variable.value.data(), end, minutes);
  if (error != std::errc{} || rest != end || minutes > kMost) {
    return faults_.add({line_, variable.value_column},
                       fmt::format("RANDOM_DELAY is {}; it takes whole minutes, 0 to {}",
                                   quoted_piece(variable.value), kMost));
  }
  rules_.policy.jitter = std::chrono::minutes(minutes);
}

std::optional<LinePiece> CrontabReader::take_schedule(LinePiece& line) {
  constexpr std::size_t kFields = 5;
  LinePiece schedule = line;
  const std::string_view first = take_word(line).text;
  const std::size_t wanted = first == "@every" ? 2 : first.starts_with('@') ? 1 : kFields;
  LinePiece last{first, schedule.column};
  std::size_t count = 1;
  for (; count < wanted && !line.text.empty(); ++count) last = take_word(line);
  schedule.text = schedule.text.substr(0, last.column + last.text.size() - schedule.column);
  if (count == wanted) return schedule;
  if (first == "@every") return schedule;  // The schedule's own message says what is missing.
  faults_.add(spot(schedule),
              fmt::format("an entry has {} fields (minute, hour, day of month, month, day of week) and then "
                          "its command; here are only {} words",
                          kFields, count));
  return std::nullopt;
}

void CrontabReader::read_entry(LinePiece line) {
  Directive said = directive_.value_or(Directive{spot(line), rules_, {}, {}, {}});
  directive_.reset();
  const std::size_t column = line.column;
  const auto schedule = take_schedule(line);
  if (!schedule) return;
  EntryDraft draft{{line_, column}, std::string(schedule->text), time_zone_, std::move(said), {}, {}};
  for (const LinePiece word : words_of(*schedule)) draft.identity.schedule += std::string(word.text) + ' ';
  draft.identity.schedule += time_zone_;
  if (is_system_) {
    const LinePiece user = take_word(line);
    if (const auto valid = validate_user_name(user.text); !valid) {
      faults_.add(spot(user), valid.error().message +
                                  "; in a system crontab one stands between the schedule and the command");
    }
    draft.command.user = draft.identity.user = user.text;
  }
  read_command(line, draft);
  drafts_.push_back(std::move(draft));
}

void CrontabReader::read_command(LinePiece text, EntryDraft& draft) {
  LinePiece rest = text;
  const std::string_view first = take_word(rest).text;
  CommandText split = split_percent(text.text);
  if (split.command.empty()) {
    faults_.add(spot(text), "there is no command behind the schedule");
  } else if (first.find_first_not_of("0123456789*/,-?") == std::string_view::npos) {
    faults_.add(spot(text),
                fmt::format("the command begins with {}, which looks like a sixth field; a crontab "
                            "has five, and only files in TOML have seconds",
                            quoted_piece(first)));
  }
  draft.identity.command = text.text;
  draft.command.words = {shell_, "-c", std::move(split.command)};
  draft.command.input = std::move(split.input);
  for (const auto& [name, value] : variables_)
    draft.command.environment.push_back(fmt::format("{}={}", name, value));
  if (const auto home = variables_.find("HOME"); home != variables_.end()) {
    draft.command.directory = home->second;
  }
}

CronFile CrontabReader::finish() {
  NameRegister names;
  for (const EntryDraft& draft : drafts_) {
    if (draft.said.name.empty()) continue;
    const std::size_t other = names.take_given(draft.said.name, draft.said.name_spot.line);
    if (other == 0) continue;
    faults_.add(draft.said.name_spot,
                fmt::format("the name {} is given in line {} already", quoted_piece(draft.said.name), other));
  }
  CronFile file;
  for (EntryDraft& draft : drafts_) {
    std::string name = draft.said.name.empty() ? names.take_default(default_name(draft.identity))
                                               : std::move(draft.said.name);
    auto schedule = cron::Schedule::parse(draft.expression, {.time_zone = draft.time_zone, .job = name});
    if (!schedule) {
      faults_.add_schedule(draft.spot, schedule.error());
      continue;
    }
    file.entries.push_back({std::move(name), *std::move(schedule), draft.said.rules.policy,
                            std::move(draft.command), draft.said.rules.grace, draft.spot.line});
  }
  return file;
}

}  // namespace

CronFileResult parse_crontab(std::string_view text, const CronFileOptions& options) {
  return CrontabReader(options).read(text);
}

}  // namespace nodepool::cli
