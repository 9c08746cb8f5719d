#include "driver/redis/errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

namespace nodepool::redis {
namespace {

/// What a server says, and what it means for a pool.
struct Rule {
  std::string_view
      token;  ///< Anywhere in the text: before 7.0, errors inside a script come wrapped in another one.
  ErrorCode code;
  std::string_view advice;
};

/// Exactly what the scripts and the sessions do; docs/redis.md shows the same line, and a test runs with it.
constexpr std::string_view kRights =
    "resetchannels ~nodepool:* &nodepool:* +eval +evalsha +time +exists +del +hget +hset +hdel +hmget "
    "+hgetall +hvals +hlen +hexists +hincrby +hscan +sadd +srem +scard +sismember +smembers +zadd +zrem "
    "+zrange +zrangebyscore +zcard +zcount +lpush +llen +lindex +lrange +ltrim +publish +subscribe +ping "
    "+select +info +wait";
constexpr std::string_view kAccess =
    "\"nodepool doctor SERVICE\" tells what is missing, docs/redis.md what nodes need";
constexpr std::string_view kSentinelAccess =
    "allow the Sentinel's user (sentinel_user) &+switch-master +sentinel|get-master-addr-by-name +subscribe "
    "+ping +info";

constexpr auto kRules = std::to_array<Rule>({
    {"NOPERM", ErrorCode::permission_denied, kAccess},
    {"ACL failure", ErrorCode::permission_denied, kAccess},
    {"The user executing the script can't", ErrorCode::permission_denied, kAccess},
    {"WRONGPASS", ErrorCode::permission_denied, "check user and password"},
    {"NOAUTH", ErrorCode::permission_denied, "give user and password in the URL"},
    {"without any password configured", ErrorCode::permission_denied, "leave the password out of the URL"},
    {"DENIED", ErrorCode::permission_denied, "the server is in protected mode: give it a password"},
    {"WRONGTYPE", ErrorCode::store_corrupt, "the key belongs to somebody else: choose another service name"},
    {"LOADING", ErrorCode::unavailable, "it reads its data from disk; wait"},
    {"BUSY", ErrorCode::unavailable, "another script keeps it busy"},
    {"UNKILLABLE", ErrorCode::unavailable, "another script keeps it busy"},
    {"MASTERDOWN", ErrorCode::unavailable, "it is a replica that has lost its master"},
    {"READONLY", ErrorCode::unavailable, "it is a replica: connect to the master"},
    {"CLUSTERDOWN", ErrorCode::unavailable, "the cluster does not serve at present"},
    {"OOM", ErrorCode::unavailable, "it has reached maxmemory: give it more, or evict other keys"},
    {"MISCONF", ErrorCode::unavailable, "it cannot save its data and refuses writes"},
    {"NOREPLICAS", ErrorCode::unavailable, "it has too few replicas and refuses writes"},
    {"TRYAGAIN", ErrorCode::unavailable, "the pool's slot is on its way to another node"},
    {"MOVED", ErrorCode::unsupported, "it is a node of a cluster: use redis+cluster://"},
    {"ASK", ErrorCode::unsupported, "it is a node of a cluster: use redis+cluster://"},
    {"cluster support disabled", ErrorCode::unsupported, "it is no node of a cluster: use redis://"},
    {"DB index is out of range", ErrorCode::unsupported, "the server has no such database"},
    {"SELECT is not allowed", ErrorCode::unsupported, "the server has only database 0"},
    {"unknown command", ErrorCode::unsupported, "Redis 6.2 or newer, or Valkey, is needed"},
    {"user_script", ErrorCode::internal, "this is a defect of nodepool, please report it"},
});

bool is_word(char byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

/// True if `token` is in `text` as a word of its own.
bool has_word(std::string_view text, std::string_view token) {
  for (auto at = text.find(token); at != std::string_view::npos; at = text.find(token, at + 1)) {
    const auto end = at + token.size();
    const bool starts = at == 0 || !is_word(text[at - 1]);
    if (starts && (end == text.size() || !is_word(text[end]))) return true;
  }
  return false;
}

/// At most one line of printable text.
std::string printable(std::string_view text) {
  std::string line(text.substr(0, 300));
  std::ranges::replace_if(
      line, [](char byte) { return byte >= 0 && byte < ' '; }, ' ');
  return line;
}

}  // namespace

Error server_error(std::string_view text, std::string_view server, std::string_view service,
                   std::string_view secret) {
  const auto rule =
      std::ranges::find_if(kRules, [&](const Rule& each) { return has_word(text, each.token); });
  const auto keys = service.empty() ? std::string() : fmt::format(" for nodepool:{{{}}}:*", service);
  const std::string shown = printable(without_password(std::string(text), secret));
  if (rule == kRules.end()) {
    return {ErrorCode::unavailable, fmt::format("{} refused the request{}: {}", server, keys, shown)};
  }
  return {rule->code, fmt::format("{} refused the request{}: {}; {}", server, keys, shown, rule->advice)};
}

std::string_view required_rights() noexcept {
  return kRights;
}

Error sentinel_error(std::string_view text, std::string_view sentinel, std::string_view secret) {
  Error error = server_error(text, sentinel, {}, secret);
  if (error.code != ErrorCode::permission_denied) return error;
  error.message = fmt::format("the Sentinel {} refused the request: {}; {}", sentinel,
                              printable(without_password(std::string(text), secret)), kSentinelAccess);
  return error;
}

std::string without_password(std::string text, std::string_view password) {
  if (password.empty()) return text;
  for (auto at = text.find(password); at != std::string::npos; at = text.find(password, at + 3)) {
    text.replace(at, password.size(), "***");
  }
  return text;
}

bool is_unknown_script(std::string_view text) noexcept {
  return text.starts_with("NOSCRIPT");
}

}  // namespace nodepool::redis
