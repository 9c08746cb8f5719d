#include "cli/parts/run_log.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/parts/clock_text.hpp"
#include "cli/parts/output.hpp"

namespace nodepool::cli {
namespace {

std::string as_json(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// As it is if a reader of key=value pairs cannot take it for anything else.
std::string as_logfmt(const std::string& value) {
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](char byte) {
    return static_cast<unsigned char>(byte) > 0x20 && static_cast<unsigned char>(byte) < 0x7f &&
           byte != '"' && byte != '=' && byte != '\\';
  });
  return plain ? value : as_json(value);
}

}  // namespace

std::string to_text(const LogLine& line, LogFormat format) {
  std::vector<std::pair<std::string_view, std::string>> fields{{"time", utc_text(line.at)},
                                                               {"level", std::string(to_string(line.level))},
                                                               {"event", std::string(line.event)}};
  fields.insert(fields.end(), line.fields.begin(), line.fields.end());
  std::string text;
  for (const auto& [key, value] : fields) {
    if (format == LogFormat::json) {
      text += fmt::format("{}{}:{}", text.empty() ? "{" : ",", as_json(key), as_json(value));
    } else {
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, as_logfmt(value));
    }
  }
  return format == LogFormat::json ? text + "}" : text;
}

void write_line(const LogLine& line, LogFormat format) {
  // A pipe that can be written to has room for a line.
  pollfd ready{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&ready, 1, 0) <= 0 || (ready.revents & POLLOUT) == 0) return;
  [[maybe_unused]] const bool told = write_all(STDERR_FILENO, to_text(line, format) + '\n');
}

Logger line_logger(std::string_view event, LogFormat format) {
  return [event, format](LogLevel level, std::string_view message, std::span<const LogField> fields) {
    if (level == LogLevel::debug || level == LogLevel::info) return;
    LogLine line{std::chrono::system_clock::now(), level, event, {{"message", std::string(message)}}};
    for (const LogField& field : fields) line.fields.emplace_back(field.key, field.value);
    write_line(line, format);
  };
}

}  // namespace nodepool::cli
