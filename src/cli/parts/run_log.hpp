#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nodepool/log.hpp"
#include "nodepool/types.hpp"

namespace nodepool::cli {

enum class LogFormat { logfmt, json };

/// One line of the log of `nodepool run` and `nodepool cron`: what happened, and its fields in their order.
struct LogLine {
  WallTime at;
  LogLevel level = LogLevel::info;
  std::string_view event;
  std::vector<std::pair<std::string_view, std::string>> fields;
};

/// `time=2026-03-01T12:00:00.123Z level=info event=started pid=42`, or the same as one JSON object, whose
/// values are all strings. One line, without its end, whatever the values are.
[[nodiscard]] std::string to_text(const LogLine& line, LogFormat format);

/// Puts it out on stderr, unless nobody takes it: a reader that has stopped must not hold up the renewal of a
/// lease. Thread-safe.
void write_line(const LogLine& line, LogFormat format);

/// The library's warnings and errors, as lines of that event.
[[nodiscard]] Logger line_logger(std::string_view event, LogFormat format);

}  // namespace nodepool::cli
