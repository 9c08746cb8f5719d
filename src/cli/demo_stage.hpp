#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace nodepool::cli {

/// Where the demonstration is shown: lines that stay, and on a terminal a table beneath them that is drawn in
/// place.
class DemoStage {
 public:
  DemoStage();
  /// A line that stays, with the time since the start.
  void say(std::string_view line);
  /// Text that stays, as it is.
  void tell(std::string_view text);
  /// On a terminal: draws the table anew, at most ten times a second. Elsewhere nothing.
  void draw(const std::string& table);
  [[nodiscard]] bool wants_table() const;
  /// Takes the table away.
  void clear();
  /// False once the reader is gone.
  [[nodiscard]] bool has_reader() const noexcept { return has_reader_; }

 private:
  void write(std::string_view text);

  const bool terminal_;
  const std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point drawn_at_;
  std::string table_;  ///< What stands on the terminal beneath the lines.
  bool has_reader_ = true;
};

}  // namespace nodepool::cli
