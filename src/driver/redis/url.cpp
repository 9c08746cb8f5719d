// Reads the URL of a server. No message quotes what stands before the path: a password that was not
// percent-encoded may have ended up in any part of it.

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

#include "driver/redis/options.hpp"

namespace nodepool {
namespace {

tl::unexpected<Error> bad(std::string_view what) {
  return failure(ErrorCode::invalid_argument,
                 fmt::format("Redis URL: {}; expected redis://[user[:password]@]host[:port][/database] or "
                             "unix://[user[:password]@]/path[?db=N], with special characters percent-encoded",
                             what));
}

int hex_digit(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded += text[at];
      continue;
    }
    if (at + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[at + 1]);
    const int low = hex_digit(text[at + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return decoded;
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end;
}

/// "500ms" or "2s".
std::optional<std::chrono::milliseconds> read_duration(std::string_view text) {
  const bool in_milliseconds = text.ends_with("ms");
  if (!in_milliseconds && !text.ends_with('s')) return std::nullopt;
  text.remove_suffix(in_milliseconds ? 2 : 1);
  unsigned count = 0;
  if (!read_number(text, count)) return std::nullopt;
  return in_milliseconds ? std::chrono::milliseconds(count) : std::chrono::seconds(count);
}

Result<void> read_user(std::string_view text, RedisOptions& options) {
  const auto colon = text.find(':');
  const auto user = percent_decode(text.substr(0, colon));
  const auto password =
      percent_decode(colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1));
  if (!user || !password)
    return bad("user or password has a '%' that is not followed by two hexadecimal digits");
  options.user = *user;
  options.password = *password;
  return {};
}

Result<void> read_host(std::string_view text, RedisOptions& options) {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return bad("the IPv6 address's bracket is not closed");
    options.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    if (colon != text.rfind(':')) return bad("an IPv6 address must stand in brackets");
    const auto host = percent_decode(text.substr(0, colon));
    if (!host) return bad("the host has a '%' that is not followed by two hexadecimal digits");
    options.host = *host;
    if (colon != std::string_view::npos) port = text.substr(colon);
  }
  if (options.host.empty()) return bad("the host is missing");
  if (port.empty()) return {};
  if (!port.starts_with(':') || !read_number(port.substr(1), options.port) || options.port == 0) {
    return bad("the port is no number from 1 to 65535");
  }
  return {};
}

Result<void> read_parameter(std::string_view name, std::string_view value, RedisOptions& options) {
  if (name == "db") {
    return read_number(value, options.database) ? Result<void>() : bad("db is no database number");
  }
  if (name != "timeout" && name != "connect_timeout") {
    return bad("there is an unknown parameter (known: db, timeout, connect_timeout)");
  }
  const auto duration = read_duration(value);
  if (!duration) return bad(fmt::format("{} is no duration such as 500ms or 2s", name));
  (name == "timeout" ? options.call_timeout : options.connect_timeout) = *duration;
  return {};
}

Result<void> read_parameters(std::string_view query, RedisOptions& options) {
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    const auto equals = one.find('=');
    if (equals == std::string_view::npos) return bad("a parameter has no value");
    auto read = read_parameter(one.substr(0, equals), one.substr(equals + 1), options);
    if (!read) return read;
  }
  return {};
}

Result<void> read_path(std::string_view path, bool is_unix, RedisOptions& options) {
  if (!is_unix) {
    if (path.size() <= 1) return {};
    return read_number(path.substr(1), options.database) ? Result<void>() : bad("the database is no number");
  }
  const auto decoded = percent_decode(path);
  if (!decoded) return bad("the path has a '%' that is not followed by two hexadecimal digits");
  if (decoded->size() < 2) return bad("the socket's path is missing");
  options.unix_path = *decoded;
  return {};
}

}  // namespace

Result<RedisOptions> parse_redis_url(std::string_view url) {
  RedisOptions options;
  if (url.starts_with("rediss://")) return bad("TLS (rediss://) is not supported");
  const bool is_unix = url.starts_with("unix://");
  if (!is_unix && !url.starts_with("redis://")) return bad("it starts with neither redis:// nor unix://");
  url.remove_prefix(url.find("//") + 2);
  if (url.find('#') != std::string_view::npos) return bad("it has a '#'");

  const auto question = url.find('?');
  const std::string_view query = question == std::string_view::npos ? "" : url.substr(question + 1);
  url = url.substr(0, question);
  const auto slash = std::min(url.find('/'), url.size());
  std::string_view authority = url.substr(0, slash);
  const std::string_view path = url.substr(slash);

  Result<void> read;
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    read = read_user(authority.substr(0, at), options);
    authority.remove_prefix(at + 1);
  }
  if (read && is_unix && !authority.empty()) read = bad("a socket's path must start with '/'");
  if (read && !is_unix) read = read_host(authority, options);
  if (read) read = read_path(path, is_unix, options);
  if (read) read = read_parameters(query, options);
  if (read) read = redis::validate(options);
  if (!read) return tl::unexpected(std::move(read.error()));
  return options;
}

}  // namespace nodepool
