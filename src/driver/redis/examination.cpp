#include "driver/redis/examination.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <random>
#include <thread>

#include "driver/redis/errors.hpp"
#include "driver/redis/scripts.hpp"
#include "driver/redis/server_findings.hpp"

namespace nodepool::redis {
namespace {

using Grade = Finding::Grade;
using std::chrono::microseconds;

/// Between the two looks at the clocks.
constexpr std::chrono::milliseconds kBetweenLooks{500};

/// Each command that nodes and observers send, or their scripts call, on a key of our own. In such an order
/// that the key has the type that each expects; the last trials leave nothing behind.
std::vector<Command> trials(const ServiceName& service, const RedisOptions& options) {
  const std::string key = fmt::format("nodepool:{{{}}}:doctor-{:08x}", service.str(), std::random_device{}());
  std::vector<Command> commands{{"PING"},
                                {"TIME"},
                                {"DEL", key},
                                {"EXISTS", key},
                                {"EVAL", "return 1", "1", key},
                                {"EVALSHA", std::string(40, '0'), "1", key},
                                {"HSET", key, "field", "1"},
                                {"HINCRBY", key, "field", "1"},
                                {"HGET", key, "field"},
                                {"HMGET", key, "field"},
                                {"HGETALL", key},
                                {"HVALS", key},
                                {"HLEN", key},
                                {"HEXISTS", key, "field"},
                                {"HSCAN", key, "0"},
                                {"HDEL", key, "field"},
                                {"DEL", key},
                                {"SADD", key, "member"},
                                {"SCARD", key},
                                {"SISMEMBER", key, "member"},
                                {"SMEMBERS", key},
                                {"SREM", key, "member"},
                                {"DEL", key},
                                {"ZADD", key, "1", "member"},
                                {"ZRANGE", key, "0", "1"},
                                {"ZRANGEBYSCORE", key, "0", "1"},
                                {"ZCARD", key},
                                {"ZCOUNT", key, "0", "1"},
                                {"ZREM", key, "member"},
                                {"DEL", key},
                                {"LPUSH", key, "item"},
                                {"LLEN", key},
                                {"LINDEX", key, "0"},
                                {"LRANGE", key, "0", "0"},
                                {"LTRIM", key, "0", "1"},
                                {"DEL", key}};
  if (options.min_replicas > 0) commands.push_back({"WAIT", "0", "1"});
  if (options.topology == RedisTopology::cluster) {
    commands.push_back({"CLUSTER", "SLOTS"});
    commands.push_back({"ASKING"});
  }
  // Not where nodes listen: they would ask the store what this means.
  commands.push_back({"PUBLISH", fmt::format("nodepool:{{{}}}:doctor", service.str()), "examination"});
  commands.push_back({"SUBSCRIBE", hint_channel(service)});
  return commands;
}

bool writes(const Command& command) {
  constexpr std::array kWriting{"HSET", "HINCRBY", "SADD", "ZADD", "LPUSH"};
  return std::ranges::find(kWriting, command[0]) != kWriting.end();
}

bool is_refusal(const Reply& reply) {
  return reply.kind == Reply::Kind::error &&
         server_error(reply.text, {}, {}).code == ErrorCode::permission_denied;
}

Finding lost(const Error& error) {
  return {Grade::problem, "store", error.message, "look again"};
}

Finding permissions(Connection& connection, const RedisOptions& options, const ServiceName& service,
                    MonotonicTime deadline) {
  const auto missing = missing_rights(connection, options, service, deadline);
  if (!missing) return lost(missing.error());
  if (missing->commands.empty()) {
    return {Grade::good, "permissions", "this user may do all that nodes do", ""};
  }
  const bool in_cluster = options.topology == RedisTopology::cluster;
  return {Grade::problem, "permissions",
          fmt::format("refused: {} ({})", fmt::join(missing->commands, ", "), missing->refusal),
          fmt::format("ACL SETUSER {} {}{}", options.user.empty() ? "nodes on >PASSWORD" : options.user,
                      required_rights(), in_cluster ? " +cluster|slots +asking" : "")};
}

struct Instant {
  microseconds server{0}, local{0}, monotonic{0}, round_trip{0};
};

microseconds now_of(auto clock_now) {
  return std::chrono::duration_cast<microseconds>(clock_now.time_since_epoch());
}

Result<Instant> look_at_clocks(Connection& connection, MonotonicTime deadline) {
  const MonotonicTime begin = BootClock::now();
  const auto reply = connection.call({"TIME"}, deadline);
  if (!reply) return tl::unexpected(reply.error());
  if (reply->items.size() != 2) return failure(ErrorCode::permission_denied, "TIME was refused");
  const MonotonicTime end = BootClock::now();
  const auto seconds = std::strtoll(reply->items[0].text.c_str(), nullptr, 10);
  const auto rest = std::strtoll(reply->items[1].text.c_str(), nullptr, 10);
  return Instant{std::chrono::seconds(seconds) + microseconds(rest), now_of(std::chrono::system_clock::now()),
                 now_of(end), std::chrono::duration_cast<microseconds>(end - begin)};
}

std::vector<Finding> clocks(Connection& connection, MonotonicTime deadline) {
  const auto first = look_at_clocks(connection, deadline);
  if (!first) return {};  // told among the permissions
  const auto second_look = BootClock::now() + kBetweenLooks;
  if (second_look >= deadline) return {};
  std::this_thread::sleep_until(second_look);
  const auto second = look_at_clocks(connection, deadline);
  if (!second) return {lost(second.error())};
  return clock_findings({.local = second->local - first->local,
                         .server = second->server - first->server,
                         .monotonic = second->monotonic - first->monotonic,
                         .ahead = second->server - second->local,
                         .exact = first->round_trip + second->round_trip});
}

}  // namespace

Result<MissingRights> missing_rights(Connection& connection, const RedisOptions& options,
                                     const ServiceName& service, MonotonicTime deadline) {
  MissingRights missing;
  const auto is_missing = [&](const std::string& name) {
    return std::ranges::find(missing.commands, name) != missing.commands.end();
  };
  for (const Command& command : trials(service, options)) {
    if (is_missing(command[0]) || (writes(command) && is_missing("DEL"))) continue;
    const auto reply = connection.call(command, deadline);
    if (!reply) return tl::unexpected(reply.error());
    if (!is_refusal(*reply)) continue;
    missing.commands.push_back(command[0]);
    missing.refusal = without_password(reply->text, options.password);
  }
  return missing;
}

std::vector<Finding> examine_server(Connection& connection, const RedisOptions& options,
                                    const ServiceName& service, MonotonicTime deadline) {
  const auto info = connection.call({"INFO"}, deadline);
  if (!info) return {lost(info.error())};
  auto findings = info_findings(info->text, options);
  std::ranges::move(clocks(connection, deadline), std::back_inserter(findings));
  findings.push_back(permissions(connection, options, service, deadline));
  return findings;
}

}  // namespace nodepool::redis
