#include "cli/parts/toml_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace nodepool::cli {
namespace {

constexpr std::size_t kMostDots = 100;
constexpr std::string_view kTomlBlanks = " \t\r\n";

bool is_beyond_ascii(std::string_view text, std::size_t at) {
  return at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80;
}

class TomlScan {
 public:
  TomlScan(std::string_view text, FaultList& faults) : text_(text), faults_(faults) {}

  void run() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    while (at_ < text_.size() && step()) {
    }
  }

 private:
  // Each of these is false at the end of what is to be looked at.
  [[nodiscard]] bool step();
  [[nodiscard]] bool step_in_key(char c);
  [[nodiscard]] bool step_in_value(char c);
  [[nodiscard]] bool skip_text(char quote);
  [[nodiscard]] bool skip_line_of_text(char quote);
  [[nodiscard]] bool skip_lines_of_text(std::string_view quotes);
  [[nodiscard]] bool skip_escape();
  [[nodiscard]] bool refuse(std::string message);
  /// Behind a value, or at the beginning of a line.
  void end_value(char c);

  /// What is read next. Behind a value nothing begins a text: there a quote is an error, and the library may
  /// look at what follows it as at a part of the value.
  enum class Part { key, value, behind_value };

  std::string_view text_;
  FaultList& faults_;
  std::size_t at_ = 0;
  Part part_ = Part::key;
  std::string open_;  ///< The brackets around the place, the innermost last: '[' of arrays, '{' of tables.
  std::size_t dots_ = 0;  ///< Of the key.
};

bool TomlScan::step() {
  const char c = text_[at_];
  if (is_beyond_ascii(text_, at_)) return refuse("stands outside of quotes");
  if (c == '#') {
    at_ = std::min(text_.find('\n', at_), text_.size());
    return true;
  }
  if (c == '\n' && open_.empty()) end_value(c);
  if (kTomlBlanks.find(c) != std::string_view::npos) {
    ++at_;
    return true;
  }
  switch (part_) {
    case Part::key:
      return step_in_key(c);
    case Part::value:
      return step_in_value(c);
    case Part::behind_value:
      end_value(c);
      ++at_;
      return true;
  }
  return false;
}

bool TomlScan::step_in_key(char c) {
  if (c == '"' || c == '\'') return skip_text(c);
  if (c == '=') part_ = Part::value;
  if (c == '=' || c == '[' || c == '}') dots_ = 0;
  if (c == '}') end_value(c);
  ++at_;
  if (c != '.' || ++dots_ <= kMostDots) return true;
  const auto line = static_cast<std::size_t>(std::ranges::count(text_.substr(0, at_), '\n')) + 1;
  faults_.add({line, 1}, fmt::format("a key in this line has more than {} dots", kMostDots));
  return false;
}

bool TomlScan::step_in_value(char c) {
  if (c == '[' || c == '{') {
    open_ += c;
    if (c == '{') part_ = Part::key;
    ++at_;
    return true;
  }
  part_ = Part::behind_value;
  if (c == '"' || c == '\'') return skip_text(c);
  // A number or the like: all up to here, whatever is in it.
  const std::size_t end = std::min(text_.find_first_of(" \t\r\n],}#", at_), text_.size());
  while (at_ < end) {
    if (is_beyond_ascii(text_, at_)) return refuse("stands outside of quotes");
    ++at_;
  }
  return true;
}

void TomlScan::end_value(char c) {
  if (c == '\n') part_ = Part::key;
  if (c == ',' && !open_.empty()) part_ = open_.back() == '[' ? Part::value : Part::key;
  if (c == '\n' || c == ',') dots_ = 0;
  if (c != ']' && c != '}') return;
  if (!open_.empty()) open_.pop_back();
  part_ = Part::behind_value;
}

bool TomlScan::skip_text(char quote) {
  const std::string three(3, quote);
  return text_.substr(at_).starts_with(three) ? skip_lines_of_text(three) : skip_line_of_text(quote);
}

bool TomlScan::skip_line_of_text(char quote) {
  for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
    if (text_[at_] == quote) {
      ++at_;
      return true;
    }
    if (quote == '"' && text_[at_] == '\\') ++at_;
  }
  return false;
}

bool TomlScan::skip_lines_of_text(std::string_view quotes) {
  at_ += quotes.size();
  while (at_ < text_.size()) {
    if (text_.substr(at_).starts_with(quotes)) {
      at_ += quotes.size();
      // Two more may be the end of the text itself.
      for (int more = 0; more < 2 && at_ < text_.size() && text_[at_] == quotes.front(); ++more) ++at_;
      return true;
    }
    if (quotes.front() == '"' && text_[at_] == '\\') {
      if (!skip_escape()) return false;
    } else {
      ++at_;
    }
  }
  return false;
}

/// In a text of several lines. A backslash before a line's end takes with it the blanks that follow.
bool TomlScan::skip_escape() {
  ++at_;
  const std::size_t end = std::min(text_.find_first_not_of(kTomlBlanks, at_), text_.size());
  if (is_beyond_ascii(text_, end)) return refuse("stands behind a backslash; put it before that");
  at_ = end > at_ ? end : at_ + 1;
  return true;
}

bool TomlScan::refuse(std::string message) {
  const std::size_t at = std::min(text_.find_first_not_of(kTomlBlanks, at_), text_.size());
  const std::size_t begin = text_.rfind('\n', at) + 1;  // Of a text without one it is 0.
  const auto line = static_cast<std::size_t>(std::ranges::count(text_.substr(0, at), '\n')) + 1;
  std::size_t size = 1;
  while (is_beyond_ascii(text_, at + size) &&
         (static_cast<unsigned char>(text_[at + size]) & 0xC0U) == 0x80U) {
    ++size;
  }
  faults_.add({line, at - begin + 1},
              fmt::format("this is no TOML: {} {}", quoted_piece(text_.substr(at, size)), message));
  return false;
}

}  // namespace

void scan_toml(std::string_view text, FaultList& faults) {
  TomlScan(text, faults).run();
}

}  // namespace nodepool::cli
