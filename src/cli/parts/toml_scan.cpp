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
  /// False at the end of what is to be looked at.
  [[nodiscard]] bool step();
  [[nodiscard]] bool skip_line_of_text(char quote);
  [[nodiscard]] bool skip_lines_of_text(std::string_view quotes);
  [[nodiscard]] bool skip_escape();
  [[nodiscard]] bool refuse(std::string message);

  std::string_view text_;
  FaultList& faults_;
  std::size_t at_ = 0;
  char before_ = '\n';    ///< The last character outside of quotes that is no blank; a quote, if they are.
  std::size_t dots_ = 0;  ///< Of the key that is being read, if it is one.
};

bool TomlScan::step() {
  const char c = text_[at_];
  if (is_beyond_ascii(text_, at_)) return refuse("stands outside of quotes");
  if (c == '#') {
    at_ = std::min(text_.find('\n', at_), text_.size());
    return true;
  }
  // Anywhere else a quote is an error, and the library may look at what is behind it as at a number.
  const bool may_begin = std::string_view("\n=,.[{").find(before_) != std::string_view::npos;
  if (may_begin && (c == '"' || c == '\'')) {
    before_ = c;
    const std::string three(3, c);
    return text_.substr(at_).starts_with(three) ? skip_lines_of_text(three) : skip_line_of_text(c);
  }
  if (std::string_view("\n=,[]{}").find(c) != std::string_view::npos) dots_ = 0;
  if (c == '.' && ++dots_ > kMostDots) {
    const auto line = static_cast<std::size_t>(std::ranges::count(text_.substr(0, at_), '\n')) + 1;
    faults_.add({line, 1}, fmt::format("a key in this line has more than {} dots", kMostDots));
    return false;
  }
  if (c != ' ' && c != '\t') before_ = c;
  ++at_;
  return true;
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
