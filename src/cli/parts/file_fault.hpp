#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/result.hpp"

namespace nodepool::cli {

/// A place in a file. Both count from 1; columns count bytes.
struct FileSpot {
  std::size_t line = 1;
  std::size_t column = 1;
  auto operator<=>(const FileSpot&) const = default;
};

/// What is wrong in a file, and where.
struct FileFault {
  std::size_t line = 1;
  std::size_t column = 1;
  std::string message;  ///< Printable: whatever the file holds.
  auto operator<=>(const FileFault&) const = default;
};

/// "nightly.crontab:3:5: there is no command behind the schedule".
[[nodiscard]] std::string to_text(const FileFault& fault, std::string_view file);

/// A text from a file as a message shows it: in quotes, printable, and cut if it is long.
[[nodiscard]] std::string quoted_piece(std::string_view text);

/// Collects faults, so that all of them can be told at once.
class FaultList {
 public:
  void add(FileSpot spot, std::string message);
  /// A refused schedule whose expression begins at `start`. The columns that its message names become those
  /// of the line; the fault stands at the last, which is where reading ended.
  void add_schedule(FileSpot start, const Error& error);
  [[nodiscard]] bool empty() const noexcept { return faults_.empty(); }
  [[nodiscard]] std::vector<FileFault> sorted() &&;

 private:
  std::vector<FileFault> faults_;
};

struct FileLine {
  std::size_t number = 1;
  std::string_view text;  ///< Without the line's end, be it LF or CR LF.
};
/// The lines of a text; parts of it.
[[nodiscard]] std::vector<FileLine> lines_of(std::string_view text);

}  // namespace nodepool::cli
