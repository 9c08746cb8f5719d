#include "driver/redis/connection.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "driver/redis/errors.hpp"
#include "driver/redis/info_text.hpp"

namespace nodepool::redis {
namespace {

constexpr std::pair kOldestVersion{6U, 2U};

std::optional<std::pair<unsigned, unsigned>> version_of(std::string_view text) {
  std::pair<unsigned, unsigned> version;
  const char* end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, version.first);
  if (error != std::errc{} || dot == end || *dot != '.') return std::nullopt;
  if (std::from_chars(dot + 1, end, version.second).ec != std::errc{}) return std::nullopt;
  return version;
}

/// Whether a server has answered to a plain greeting with a TLS alert.
bool is_tls_alert(std::string_view bytes) {
  return bytes.starts_with("\x15\x03");
}

Error about(std::string_view server, Error error) {
  error.message = fmt::format("{}: {}", server, error.message);
  return error;
}

}  // namespace

std::vector<Command> authentication(const RedisOptions& options) {
  if (options.user.empty() && options.password.empty()) return {};
  if (options.user.empty()) return {{"AUTH", options.password}};
  return {{"AUTH", options.user, options.password}};
}

Result<ServerInfo> parse_server_info(std::string_view info, std::string_view server) {
  const std::string_view text = info_field(info, "redis_version");
  const auto version = version_of(text);
  if (!version || *version < kOldestVersion) {
    return failure(ErrorCode::unsupported,
                   fmt::format("{} has version '{}'; nodepool needs Redis 6.2 or newer, or Valkey", server,
                               text.substr(0, 40)));
  }
  const std::string_view run_id = info_field(info, "run_id");
  if (run_id.empty()) {
    return failure(
        ErrorCode::unsupported,
        fmt::format("{} does not tell its run id, so a loss of data could go unnoticed; nodepool needs "
                    "a server whose INFO has one",
                    server));
  }
  ServerInfo parsed{.run_id = std::string(run_id)};
  const std::string_view mode = info_field(info, "redis_mode");
  if (mode == "sentinel") parsed.mode = ServerInfo::Mode::sentinel;
  if (mode == "cluster") parsed.mode = ServerInfo::Mode::cluster;
  parsed.is_replica = info_field(info, "role") == "slave";
  parsed.replicas = static_cast<unsigned>(info_number(info, "connected_slaves").value_or(0));
  return parsed;
}

Result<Connection> Connection::open(const RedisOptions& options, const std::shared_ptr<const TlsContext>& tls,
                                    const Endpoint& endpoint, std::span<const SocketAddress> addresses,
                                    MonotonicTime deadline) {
  const std::string server = describe(endpoint, options);
  auto transport = Transport::connect(addresses, deadline, {tls, endpoint.host});
  if (!transport) {
    Error error = std::move(transport.error());
    const bool is_there = error.code != ErrorCode::unavailable;
    error.message = fmt::format("{}{}: {}", server, is_there ? "" : " cannot be reached", error.message);
    return tl::unexpected(std::move(error));
  }
  Connection connection(std::move(*transport), server);
  auto greeted = connection.greet(options, deadline);
  if (!greeted) {
    Error error = std::move(greeted.error());
    // Nothing but the greeting was asked for, so nothing can have been changed.
    if (error.code == ErrorCode::outcome_unknown) error.code = ErrorCode::unavailable;
    const bool may_want_tls = tls == nullptr && !connection.has_answered_ && endpoint.unix_path.empty();
    if (may_want_tls && error.code == ErrorCode::unavailable)
      error.message += " (if this is a port for TLS, write rediss:// instead of redis://)";
    return tl::unexpected(std::move(error));
  }
  return connection;
}

Result<void> Connection::greet(const RedisOptions& options, MonotonicTime deadline) {
  auto commands = authentication(options);
  if (options.database != 0) commands.push_back({"SELECT", std::to_string(options.database)});
  // Before 7.0, INFO knows only one section at a time.
  commands.push_back({"INFO", "server"});
  commands.push_back({"INFO", "replication"});
  auto replies = exchange(commands, deadline);
  if (!replies) return tl::unexpected(std::move(replies.error()));
  for (const Reply& reply : *replies) {
    if (reply.kind == Reply::Kind::error)
      return tl::unexpected(server_error(reply.text, name_, {}, options.password));
  }
  const std::size_t first = replies->size() - 2;
  auto info = parse_server_info((*replies)[first].text + "\r\n" + (*replies)[first + 1].text, name_);
  if (!info) return tl::unexpected(std::move(info.error()));
  info_ = std::move(*info);
  return {};
}

Result<Reply> Connection::call(const Command& command, MonotonicTime deadline) {
  auto replies = exchange(std::span(&command, 1), deadline);
  if (!replies) return tl::unexpected(std::move(replies.error()));
  return std::move(replies->front());
}

Result<std::vector<Reply>> Connection::exchange(std::span<const Command> commands, MonotonicTime deadline) {
  if (auto sent = send(commands, deadline); !sent) return tl::unexpected(std::move(sent.error()));
  std::vector<Reply> replies;
  while (replies.size() < commands.size()) {
    auto reply = await(deadline);
    if (!reply) return tl::unexpected(std::move(reply.error()));
    replies.push_back(std::move(*reply));
  }
  return replies;
}

Result<void> Connection::send(std::span<const Command> commands, MonotonicTime deadline) {
  std::string bytes;
  for (const Command& command : commands) bytes += encode_command(command);
  auto sent = transport_.send(bytes, deadline);
  if (!sent) return tl::unexpected(about(name_, std::move(sent.error())));
  return {};
}

Result<Reply> Connection::await(MonotonicTime deadline) {
  auto reply = receive(deadline);
  if (!reply) return tl::unexpected(about(name_, std::move(reply.error())));
  return reply;
}

Result<Reply> Connection::receive(MonotonicTime deadline) {
  std::array<char, 16384> buffer{};
  bool late = false;
  while (true) {
    auto reply = reader_.next();
    if (!reply) return tl::unexpected(std::move(reply.error()));
    if (reply->has_value()) return std::move(**reply);
    // There is always something to receive from a server that never stops sending.
    if (late) return failure(ErrorCode::outcome_unknown, "it did not answer in time");
    const auto received = transport_.receive(buffer, deadline);
    if (!received) return tl::unexpected(received.error());
    const bool is_first = !std::exchange(has_answered_, true);
    if (is_first && is_tls_alert({buffer.data(), *received})) {
      return failure(ErrorCode::unsupported,
                     "it speaks TLS at this port: write rediss:// instead of redis://");
    }
    reader_.feed({buffer.data(), *received});
    late = BootClock::now() >= deadline;
  }
}

}  // namespace nodepool::redis
