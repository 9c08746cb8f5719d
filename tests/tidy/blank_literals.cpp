#include "tidy/blank_literals.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace nodepool::tidy {
namespace {

/// Walks over the text once; each `skip_` function stands at the start of what it skips.
class Blanker {
 public:
  explicit Blanker(const std::string& text) : text_(text), result_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (starts_with("//")) {
        skip_to(std::min(text_.find('\n', at_), text_.size()));
      } else if (starts_with("/*")) {
        skip_to(behind(text_.find("*/", at_ + 2), 2));
      } else if (text_[at_] == '"' && is_raw()) {
        skip_raw_string();
      } else if (text_[at_] == '"' && !is_include()) {
        skip_quoted('"');
      } else if (text_[at_] == '\'' && !is_digit_separator()) {
        skip_quoted('\'');
      } else {
        ++at_;
      }
    }
    return std::move(result_);
  }

 private:
  bool starts_with(const char* token) const { return text_.compare(at_, 2, token) == 0; }

  std::size_t behind(std::size_t found, std::size_t length) const {
    return found == std::string::npos ? text_.size() : found + length;
  }

  bool is_raw() const { return at_ > 0 && text_[at_ - 1] == 'R'; }

  /// In 10'000 the quote stands between digits; before a character literal there is none, or a prefix such as
  /// u8.
  bool is_digit_separator() const {
    return at_ > 0 && std::isxdigit(static_cast<unsigned char>(text_[at_ - 1])) != 0;
  }

  bool is_include() const {
    const std::size_t line = at_ == 0 ? 0 : text_.rfind('\n', at_ - 1) + 1;
    return text_.compare(line, 8, "#include") == 0;
  }

  void skip_to(std::size_t end) {
    for (; at_ < end; ++at_) {
      if (text_[at_] != '\n') {
        result_[at_] = ' ';
      }
    }
  }

  /// The quotes themselves stay, so that a literal is still seen as one.
  void skip_quoted(char quote) {
    std::size_t end = ++at_;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
      end += text_[end] == '\\' ? 2U : 1U;
    }
    skip_to(std::min(end, text_.size()));
    ++at_;
  }

  void skip_raw_string() {
    const std::size_t open = text_.find('(', at_);
    if (open == std::string::npos) {
      ++at_;
      return;
    }
    const std::string close = ")" + text_.substr(at_ + 1, open - at_ - 1) + "\"";
    const std::size_t end = text_.find(close, open);
    ++at_;
    skip_to(end == std::string::npos ? text_.size() : end + close.size() - 1);
    ++at_;
  }

  const std::string& text_;
  std::string result_;
  std::size_t at_ = 0;
};

}  // namespace

std::string blank_literals(const std::string& text) {
  return Blanker(text).run();
}

}  // namespace nodepool::tidy
