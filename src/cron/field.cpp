#include "cron/field.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>

#include "cron/field_rule.hpp"
#include "nodepool/ring.hpp"

namespace nodepool::cron {
namespace {

constexpr std::uint64_t bit(int n) noexcept {
  return std::uint64_t{1} << static_cast<unsigned>(n);
}

char lower(char c) noexcept {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool same_word(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word, {}, lower);
}

struct Range {
  int first = 0;
  int last = 0;
};

/// One term of a field's list, read from left to right.
class Term {
 public:
  Term(FieldKind kind, Piece piece, std::string_view job, std::size_t ordinal, Fields& fields)
      : kind_(kind),
        rule_(rule_of(kind)),
        term_(piece),
        rest_(piece),
        job_(job),
        ordinal_(ordinal),
        fields_(fields) {}

  Result<void> read() {
    if (term_.text.empty()) {
      return refused(fmt::format("the {} field has nothing at column {}; it takes {}", rule_.name,
                                 term_.column, rule_.takes));
    }
    const bool is_day = kind_ == FieldKind::day || kind_ == FieldKind::weekday;
    if (take('*') || (is_day && take('?'))) return with_step({rule_.least, rule_.last});
    if (take('~')) return at_random({rule_.least, rule_.last_at_random});
    if (kind_ == FieldKind::day && take('l')) return from_the_end();
    return read_value().and_then([&](int value) { return behind_value(value); });
  }

 private:
  // ---- what is read

  bool take(char c) {
    if (rest_.text.empty() || lower(rest_.text.front()) != c) return false;
    rest_ = rest_.behind(1);
    return true;
  }

  Result<int> read_value() {
    const Piece start = rest_;
    std::optional<int> value = read_number();
    if (!value) value = read_name();
    if (!value) return unreadable();
    if (*value >= rule_.least && *value <= rule_.greatest) return *value;
    const std::string_view text = start.text.substr(0, rest_.column - start.column);
    return refused(fmt::format("the {} field has {} at column {}; it takes {}", rule_.name, quoted(text),
                               start.column, rule_.takes));
  }

  /// What is too great for any field stays so.
  std::optional<int> read_number() {
    constexpr int kTooGreat = 10'000;
    if (rest_.text.empty() || !is_digit(rest_.text.front())) return std::nullopt;
    int number = 0;
    for (; !rest_.text.empty() && is_digit(rest_.text.front()); rest_ = rest_.behind(1)) {
      number = std::min(number * 10 + (rest_.text.front() - '0'), kTooGreat);
    }
    return number;
  }

  std::optional<int> read_name() {
    const std::string_view text = rest_.text.substr(0, 3);
    const auto found =
        std::ranges::find_if(rule_.names, [&](std::string_view name) { return same_word(text, name); });
    if (found == rule_.names.end()) return std::nullopt;
    rest_ = rest_.behind(text.size());
    return rule_.first_name + static_cast<int>(found - rule_.names.begin());
  }

  Result<void> behind_value(int value) {
    if (take('-')) return read_value().and_then([&](int last) { return range(value, last); });
    if (take('~')) return at_random({value, rule_.last_at_random});
    if (!rest_.text.empty() && rest_.text.front() == '/')
      return with_step({value, std::max(value, rule_.last)});
    if (kind_ == FieldKind::day && take('w')) return nearest_weekday(value);
    if (kind_ == FieldKind::weekday && take('l')) return last_weekday(value);
    if (kind_ == FieldKind::weekday && take('#')) return nth_weekday(value);
    return add({value, value}, 1);
  }

  Result<void> range(int first, int last) {
    // sat-sun: the week's end is written so by everybody.
    if (kind_ == FieldKind::weekday && last == 0 && first > 0) last = 7;
    if (first <= last) return with_step({first, last});
    return refused(
        fmt::format("the {} field has the range {} at column {}, which goes backwards; write it as "
                    "two ranges with a comma between them",
                    rule_.name, quoted(term_.text), term_.column));
  }

  Result<void> with_step(Range range) {
    if (!take('/')) return add(range, 1);
    const int most = rule_.last - rule_.least + 1;
    const Piece start = rest_;
    const std::optional<int> step = read_number();
    if (step && *step >= 1 && *step <= most) return add(range, *step);
    return refused(fmt::format("the {} field has the step {} at column {}; steps are 1 to {}", rule_.name,
                               quoted(start.text), start.column, most));
  }

  // ---- what is fixed by the job's name

  Result<void> at_random(Range range) {
    if (!rest_.text.empty()) {
      const auto last = read_value();
      if (!last) return tl::unexpected(last.error());
      range.last = *last;
    }
    if (range.first > range.last) {
      return refused(fmt::format("the {} field has the range {} at column {}, which goes backwards",
                                 rule_.name, quoted(term_.text), term_.column));
    }
    if (job_.empty()) {
      return refused(
          fmt::format("the {} field has {} at column {}, which the job's name fixes; give the name too",
                      rule_.name, quoted(term_.text), term_.column));
    }
    // A hash for each term: otherwise minute and hour would go together.
    const std::string key = fmt::format("{0}{1}{2}{1}{3}", job_, '\0', rule_.name, ordinal_);
    const auto count = static_cast<std::uint64_t>(range.last - range.first) + 1;
    const int value = range.first + static_cast<int>(hash_key(key) % count);
    return add({value, value}, 1);
  }

  // ---- what only the day fields know

  Result<void> from_the_end() {
    if (take('w')) {
      fields_.last_weekday = true;
      return finished();
    }
    if (!take('-')) {
      fields_.days_before_last |= bit(0);
      return finished();
    }
    const Piece start = rest_;
    const std::optional<int> before = read_number();
    if (!before || *before < 1 || *before > 30) {
      return refused(fmt::format("the {} field has {} after 'L-' at column {}; it takes L-1 to L-30",
                                 rule_.name, quoted(start.text), start.column));
    }
    fields_.days_before_last |= bit(*before);
    return finished();
  }

  Result<void> nearest_weekday(int day) {
    fields_.nearest_weekdays |= bit(day);
    return finished();
  }

  Result<void> last_weekday(int weekday) {
    fields_.last_weekdays |= bit(weekday % 7);
    return finished();
  }

  Result<void> nth_weekday(int weekday) {
    const Piece start = rest_;
    const std::optional<int> n = read_number();
    if (!n || *n < 1 || *n > 5) {
      return refused(
          fmt::format("the {} field has {} after '#' at column {}; a month has a first to a fifth such "
                      "day: write #1 to #5",
                      rule_.name, quoted(start.text), start.column));
    }
    fields_.nth_weekdays.at(static_cast<std::size_t>(*n) - 1) |= bit(weekday % 7);
    return finished();
  }

  // ---- what comes of it

  Result<void> add(Range range, int step) {
    std::uint64_t& set = set_of_kind();
    for (int value = range.first; value <= range.last; value += step) {
      set |= bit(kind_ == FieldKind::weekday ? value % 7 : value);
    }
    return finished();
  }

  std::uint64_t& set_of_kind() {
    switch (kind_) {
      case FieldKind::second:
        return fields_.seconds;
      case FieldKind::minute:
        return fields_.minutes;
      case FieldKind::hour:
        return fields_.hours;
      case FieldKind::day:
        return fields_.days;
      case FieldKind::month:
        return fields_.months;
      case FieldKind::weekday:
        break;
    }
    return fields_.weekdays;
  }

  Result<void> finished() {
    if (rest_.text.empty()) return {};
    return unreadable();
  }

  tl::unexpected<Error> unreadable() const {
    return refused(fmt::format("the {} field has {} at column {}; it takes {}", rule_.name,
                               quoted(term_.text), term_.column, rule_.takes));
  }

  FieldKind kind_;
  FieldRule rule_;
  Piece term_;
  Piece rest_;  ///< What is not yet read of it.
  std::string_view job_;
  std::size_t ordinal_;
  Fields& fields_;
};

}  // namespace

Result<void> read_field(FieldKind kind, Piece piece, std::string_view job, Fields& fields) {
  const bool is_open = piece.text.starts_with('*') || piece.text.starts_with('?');
  if (kind == FieldKind::day) fields.day_is_open = is_open;
  if (kind == FieldKind::weekday) fields.weekday_is_open = is_open;
  for (std::size_t ordinal = 0;; ++ordinal) {
    const std::size_t comma = std::min(piece.text.find(','), piece.text.size());
    auto read = Term(kind, {piece.text.substr(0, comma), piece.column}, job, ordinal, fields).read();
    if (!read || comma == piece.text.size()) return read;
    piece = piece.behind(comma + 1);
  }
}

}  // namespace nodepool::cron
