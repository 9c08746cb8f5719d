// Reads the URL of a server. No message quotes what stands before the path: a password that was not
// percent-encoded may have ended up in any part of it.

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "driver/redis/options.hpp"

namespace nodepool {
namespace {

constexpr std::uint16_t kSentinelPort = 26379;
constexpr std::string_view kUsualMasterName = "mymaster";

tl::unexpected<Error> bad(std::string_view what) {
  return failure(ErrorCode::invalid_argument,
                 fmt::format("Redis URL: {}; expected redis://[user[:password]@]host[:port][/database], "
                             "unix://[user[:password]@]/path, redis+sentinel://hosts/name or "
                             "redis+cluster://hosts, rediss for TLS, with special characters percent-encoded",
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

Result<void> decode_into(std::string& target, std::string_view text, std::string_view what) {
  auto decoded = percent_decode(text);
  if (!decoded) {
    return bad(fmt::format("{} has a '%' that is not followed by two hexadecimal digits", what));
  }
  target = *std::move(decoded);
  return {};
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
  const auto password = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  return decode_into(options.user, text.substr(0, colon), "the user").and_then([&] {
    return decode_into(options.password, password, "the password");
  });
}

Result<RedisAddress> read_address(std::string_view text, std::uint16_t usual_port) {
  RedisAddress address{.host = {}, .port = usual_port};
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return bad("the IPv6 address's bracket is not closed");
    address.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    if (colon != text.rfind(':')) return bad("an IPv6 address must stand in brackets");
    if (auto read = decode_into(address.host, text.substr(0, colon), "the host"); !read) {
      return tl::unexpected(std::move(read.error()));
    }
    if (colon != std::string_view::npos) port = text.substr(colon);
  }
  if (address.host.empty()) return bad("the host is missing");
  if (port.empty()) return address;
  if (!port.starts_with(':') || !read_number(port.substr(1), address.port) || address.port == 0) {
    return bad(
        "the port is no number from 1 to 65535 (is there a '/' or '?' in the password that is not encoded?)");
  }
  return address;
}

Result<void> read_hosts(std::string_view text, RedisOptions& options) {
  if (options.topology == RedisTopology::server) {
    auto address = read_address(text, options.port);
    if (!address) return tl::unexpected(std::move(address.error()));
    options.host = std::move(address->host);
    options.port = address->port;
    return {};
  }
  const auto usual_port = options.topology == RedisTopology::sentinel ? kSentinelPort : RedisAddress{}.port;
  while (true) {
    const auto comma = text.find(',');
    auto address = read_address(text.substr(0, comma), usual_port);
    if (!address) return tl::unexpected(std::move(address.error()));
    options.seeds.push_back(*std::move(address));
    if (comma == std::string_view::npos) return {};
    text.remove_prefix(comma + 1);
  }
}

Result<void> read_database(std::string_view text, RedisOptions& options) {
  return read_number(text, options.database) ? Result<void>() : bad("the database is no number");
}

Result<void> read_path(std::string_view path, bool is_unix, RedisOptions& options) {
  if (is_unix) {
    if (auto read = decode_into(options.unix_path, path, "the path"); !read) return read;
    return options.unix_path.size() < 2 ? bad("the socket's path is missing") : Result<void>();
  }
  if (options.topology == RedisTopology::sentinel) options.master_name = kUsualMasterName;
  if (path.size() <= 1) return {};
  path.remove_prefix(1);
  switch (options.topology) {
    case RedisTopology::server:
      return read_database(path, options);
    case RedisTopology::cluster:
      return bad("a cluster has only database 0, so nothing stands after the hosts");
    case RedisTopology::sentinel:
      break;
  }
  const auto slash = path.find('/');
  if (auto read = decode_into(options.master_name, path.substr(0, slash), "the master's name"); !read)
    return read;
  return slash == std::string_view::npos ? Result<void>() : read_database(path.substr(slash + 1), options);
}

Result<void> read_timeout(std::string_view name, std::string_view value, RedisOptions& options) {
  const auto duration = read_duration(value);
  if (!duration) return bad(fmt::format("{} is no duration such as 500ms or 2s", name));
  (name == "timeout" ? options.call_timeout : options.connect_timeout) = *duration;
  return {};
}

Result<void> read_verify(std::string_view value, RedisOptions& options) {
  constexpr std::array kNames{std::pair{"full", TlsVerify::full}, std::pair{"ca", TlsVerify::ca},
                              std::pair{"none", TlsVerify::none}};
  for (const auto& [name, verify] : kNames) {
    if (value != name) continue;
    options.tls.verify = verify;
    return {};
  }
  return bad("verify must be full, ca or none");
}

Result<void> read_parameter(std::string_view name, std::string_view value, RedisOptions& options) {
  if (name == "timeout" || name == "connect_timeout") return read_timeout(name, value, options);
  if (name == "db") {
    return read_number(value, options.database) ? Result<void>() : bad("db is no database number");
  }
  if (name == "min_replicas") {
    return read_number(value, options.min_replicas) ? Result<void>() : bad("min_replicas is no number");
  }
  const bool of_tls = name == "ca" || name == "cert" || name == "key" || name == "verify";
  if (of_tls && !options.tls.enabled) return bad(fmt::format("{} needs TLS: write rediss", name));
  if (name == "verify") return read_verify(value, options);
  if (name == "ca") return decode_into(options.tls.ca_file, value, "ca");
  if (name == "cert") return decode_into(options.tls.certificate_file, value, "cert");
  if (name == "key") return decode_into(options.tls.key_file, value, "key");
  const bool of_sentinel = name == "sentinel_user" || name == "sentinel_password";
  if (of_sentinel && options.topology != RedisTopology::sentinel) {
    return bad(fmt::format("{} is only for Sentinels", name));
  }
  if (name == "sentinel_user") return decode_into(options.sentinel_user, value, name);
  if (name == "sentinel_password") return decode_into(options.sentinel_password, value, name);
  return bad(
      "there is an unknown parameter (known: db, timeout, connect_timeout, min_replicas, ca, cert, key, "
      "verify, "
      "sentinel_user, sentinel_password)");
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

struct Scheme {
  std::string_view name;
  RedisTopology topology;
  bool tls;
};
constexpr std::array kSchemes{
    Scheme{"redis", RedisTopology::server, false},
    Scheme{"rediss", RedisTopology::server, true},
    Scheme{"unix", RedisTopology::server, false},
    Scheme{"redis+sentinel", RedisTopology::sentinel, false},
    Scheme{"rediss+sentinel", RedisTopology::sentinel, true},
    Scheme{"redis+cluster", RedisTopology::cluster, false},
    Scheme{"rediss+cluster", RedisTopology::cluster, true},
};

const Scheme* scheme_of(std::string_view url) {
  for (const Scheme& scheme : kSchemes) {
    if (url.starts_with(scheme.name) && url.substr(scheme.name.size()).starts_with("://")) return &scheme;
  }
  return nullptr;
}

}  // namespace

Result<RedisOptions> parse_redis_url(std::string_view url) {
  RedisOptions options;
  const Scheme* scheme = scheme_of(url);
  if (scheme == nullptr) {
    return bad(
        "it starts with neither redis://, rediss:// nor unix://, redis+sentinel:// nor redis+cluster://");
  }
  const bool is_unix = scheme->name == "unix";
  options.topology = scheme->topology;
  options.tls.enabled = scheme->tls;
  url.remove_prefix(scheme->name.size() + 3);
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
  if (read && !is_unix) read = read_hosts(authority, options);
  if (read) read = read_path(path, is_unix, options);
  if (read) read = read_parameters(query, options);
  if (read) read = redis::validate(options);
  if (!read) return tl::unexpected(std::move(read.error()));
  return options;
}

}  // namespace nodepool
