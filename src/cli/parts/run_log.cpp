#include "cli/parts/run_log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace nodepool::cli {
namespace {

std::string utc_text(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time - seconds);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), milliseconds.count());
}

std::string as_json(std::string_view text) {
  using LogObject = nlohmann::json;
  return LogObject(text).dump(-1, ' ', false, LogObject::error_handler_t::replace);
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

}  // namespace nodepool::cli
