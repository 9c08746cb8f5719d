#include "cron/expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "cron/every.hpp"
#include "cron/field.hpp"

namespace nodepool::cron {
namespace {

constexpr std::string_view kBlanks = " \t";

struct Macro {
  std::string_view name;
  std::string_view stands_for;
};

constexpr std::array<Macro, 7> kMacros{{{"@yearly", "0 0 1 1 *"},
                                        {"@annually", "0 0 1 1 *"},
                                        {"@monthly", "0 0 1 * *"},
                                        {"@weekly", "0 0 * * 0"},
                                        {"@daily", "0 0 * * *"},
                                        {"@midnight", "0 0 * * *"},
                                        {"@hourly", "0 * * * *"}}};

constexpr std::string_view kFieldsWanted =
    "5 fields (minute, hour, day of month, month, day of week), or 6 with the second before them";

/// Takes the first word, and the blanks behind it, off the text.
Piece take_word(Piece& text) {
  const std::size_t end = std::min(text.text.find_first_of(kBlanks), text.text.size());
  const Piece word{text.text.substr(0, end), text.column};
  text = trimmed(text.behind(end));
  return word;
}

Result<Fields> read_fields(Piece text, std::string_view job) {
  constexpr std::array kKinds{FieldKind::second, FieldKind::minute, FieldKind::hour,
                              FieldKind::day,    FieldKind::month,  FieldKind::weekday};
  std::vector<Piece> words;
  while (!text.text.empty()) words.push_back(take_word(text));
  if (words.size() != kKinds.size() && words.size() != kKinds.size() - 1) {
    return refused(fmt::format("the expression has {} {}; it takes {}", words.size(),
                               words.size() == 1 ? "field" : "fields", kFieldsWanted));
  }
  Fields fields;
  const std::size_t skipped = kKinds.size() - words.size();
  if (skipped == 0) fields.seconds = 0;  // Without a field for it, it stays the set of second 0.
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto read = read_field(kKinds.at(i + skipped), words[i], job, fields);
    if (!read) return tl::unexpected(read.error());
  }
  return fields;
}

Result<Fields> read_macro(Piece word, std::string_view job) {
  if (word.text == "@reboot") {
    return refused(fmt::format(
        "'@reboot' at column {} is refused: the machines of a fleet start one by one, so there is "
        "no instant at which the fleet does; give the job a time, or start it with its service",
        word.column));
  }
  for (const Macro& macro : kMacros) {
    if (macro.name == word.text) return read_fields({macro.stands_for, 1}, job);
  }
  return refused(
      fmt::format("{} at column {} is not known; there are @yearly, @annually, @monthly, @weekly, @daily, "
                  "@midnight, @hourly and @every",
                  quoted(word.text), word.column));
}

std::optional<Piece> take_zone(Piece& text) {
  for (const std::string_view prefix : {"CRON_TZ=", "TZ="}) {
    if (text.text.starts_with(prefix)) return take_word(text).behind(prefix.size());
  }
  return std::nullopt;
}

}  // namespace

Piece trimmed(Piece text) {
  const std::size_t first = std::min(text.text.find_first_not_of(kBlanks), text.text.size());
  text = text.behind(first);
  return {text.text.substr(0, text.text.find_last_not_of(kBlanks) + 1), text.column};
}

Result<Expression> read_expression(Piece text, std::string_view job) {
  Expression expression;
  expression.time_zone = take_zone(text);
  if (text.text.empty()) {
    return refused(fmt::format("the expression is empty; it takes {}, or @daily and its kin", kFieldsWanted));
  }
  if (!text.text.starts_with('@')) {
    return read_fields(text, job).map([&](const Fields& fields) {
      expression.when = fields;
      return expression;
    });
  }
  const Piece word = take_word(text);
  if (word.text == "@every") {
    return read_every(text).map([&](std::chrono::seconds every) {
      expression.when = every;
      return expression;
    });
  }
  if (!text.text.empty()) {
    return refused(
        fmt::format("{} at column {} has nothing behind it, but {} at column {} is there; leave it out",
                    quoted(word.text), word.column, quoted(text.text), text.column));
  }
  return read_macro(word, job).map([&](const Fields& fields) {
    expression.when = fields;
    return expression;
  });
}

}  // namespace nodepool::cron
