#include "driver/redis/script_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "driver/redis/cluster_text.hpp"
#include "driver/redis/errors.hpp"
#include "driver/redis/examination.hpp"

namespace nodepool::redis {
namespace {

/// A call waits for so much of a back-off; for longer ones it fails at once and its caller decides.
constexpr std::chrono::milliseconds kShortWait{100};
/// A slot that is on its way to another server is there in a few milliseconds, as a rule.
constexpr std::chrono::milliseconds kMigrationPause{5};
constexpr std::chrono::milliseconds kLongestPause{80};

Error as_replica(const std::string& server) {
  return {ErrorCode::unavailable, fmt::format("{} is a replica: connect to the master", server)};
}

}  // namespace

ScriptLine::ScriptLine(std::shared_ptr<const RedisOptions> options, std::shared_ptr<const TlsContext> tls,
                       ServiceName service, std::uint32_t seed, Arrival arrived)
    : options_(std::move(options)),
      tls_(std::move(tls)),
      service_(std::move(service)),
      arrived_(std::move(arrived)),
      locator_(make_locator(*options_, tls_, hint_channel(service_))),
      back_off_(seed) {}

void ScriptLine::verify_master(MonotonicTime deadline) {
  if (!std::exchange(doubts_master_, false) || !connection_) return;
  const auto master =
      locator_->locate(resolver_, std::min(deadline, BootClock::now() + options_->connect_timeout / 2));
  if (master && *master != server_) connection_.reset();
}

Result<void> ScriptLine::connect(MonotonicTime deadline) {
  verify_master(deadline);
  if (connection_ && !connection_->is_stale()) return {};
  connection_.reset();
  const auto now = BootClock::now();
  const auto left = back_off_.next_attempt() - now;
  if (left > kShortWait || now + left >= deadline) {
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return failure(last_failure_.code,
                   fmt::format("{} (next attempt in {} ms)", last_failure_.message, milliseconds));
  }
  if (left > left.zero()) std::this_thread::sleep_until(now + left);
  auto found = find_server(std::min(deadline, BootClock::now() + options_->connect_timeout));
  if (!found) {
    back_off_.failed(BootClock::now());
    last_failure_ = std::move(found.error());
    return tl::unexpected(last_failure_);
  }
  back_off_.succeeded();
  return {};
}

Result<void> ScriptLine::find_server(MonotonicTime deadline) {
  auto server = locator_->locate(resolver_, deadline);
  if (!server) return tl::unexpected(std::move(server.error()));
  auto connection = open(*server, deadline);
  if (!connection) {
    locator_->failed(*server);
    return tl::unexpected(std::move(connection.error()));
  }
  server_ = *std::move(server);
  connection_ = std::move(*connection);
  if (arrived_) arrived_(server_, connection_->peer());
  return {};
}

Result<Connection> ScriptLine::open(const Endpoint& server, MonotonicTime deadline) {
  auto connection = resolver_.resolve(server, deadline).and_then([&](const auto& addresses) {
    return Connection::open(*options_, tls_, server, addresses, deadline);
  });
  // Nothing is ever read from a replica: it may not know yet what its master has promised.
  if (connection && connection->server().is_replica) {
    return tl::unexpected(as_replica(describe(server, *options_)));
  }
  if (connection && connection->server().mode == ServerInfo::Mode::sentinel) {
    return failure(ErrorCode::unsupported,
                   fmt::format("{} is a Sentinel: use redis+sentinel://", describe(server, *options_)));
  }
  return connection;
}

Result<ScriptResult> ScriptLine::run(const ScriptOrder& order, MonotonicTime deadline) {
  deadline = std::min(deadline, BootClock::now() + options_->call_timeout);
  for (auto pause = kMigrationPause;; pause = std::min(2 * pause, kLongestPause)) {
    auto connected = connect(deadline);
    if (!connected) return tl::unexpected(std::move(connected.error()));
    auto result = run_once(order, deadline);
    if (result && result->reply.kind != Reply::Kind::error) {
      // What was not waited for is still to come, and must not be taken for the next call's answer.
      if (order.replicas > 0 && !result->confirmations) connection_.reset();
      return result;
    }
    // Another greeting may find another server behind the name, or other rights. And no late reply must be
    // taken for another one's, nor that to a wait that was sent along.
    auto used = *std::exchange(connection_, std::nullopt);
    if (!result) {
      locator_->failed(server_);
      return result;
    }
    const std::string text = std::move(result->reply.text);
    const bool elsewhere = follow(text);
    if (elsewhere && BootClock::now() + pause < deadline) {
      std::this_thread::sleep_for(pause);
      continue;
    }
    Error error = server_error(text, describe(server_, *options_), service_.str(), options_->password);
    if (elsewhere) error.code = ErrorCode::unavailable;
    if (error.code == ErrorCode::permission_denied) {
      // Once for each refusal: it takes many commands.
      if (std::exchange(last_refusal_, text) != text) missing_rights_ = name_missing_rights(used, deadline);
      error.message += missing_rights_;
    }
    return tl::unexpected(std::move(error));
  }
}

Result<ScriptResult> ScriptLine::run_once(const ScriptOrder& order, MonotonicTime deadline) {
  auto result = run_script(*connection_, order, deadline);
  const bool refused = result && result->reply.kind == Reply::Kind::error;
  if (!refused || options_->topology != RedisTopology::cluster) return result;
  const auto redirection = read_redirection(result->reply.text, server_);
  if (!redirection || redirection->kind != Redirection::Kind::ask) return result;
  ScriptOrder there = order;
  there.asking = true;
  return open(redirection->target, deadline).and_then([&](Connection connection) {
    return run_script(connection, there, deadline);
  });
}

/// Before 7.2 a server does not say which command of a script it refused.
std::string ScriptLine::name_missing_rights(Connection& connection, MonotonicTime deadline) const {
  if (options_->min_replicas > 0) return {};  // the answer to the wait is still to come
  const auto missing = missing_rights(connection, *options_, service_, deadline);
  if (!missing || missing->commands.empty()) return {};
  return fmt::format(" (this user may not: {})", fmt::join(missing->commands, ", "));
}

bool ScriptLine::follow(const std::string& error) {
  if (options_->topology == RedisTopology::cluster) {
    if (is_between_servers(error)) return true;
    if (const auto redirection = read_redirection(error, server_)) {
      // After ASKING, an ASK means that the slot has gone on: the owner knows where.
      if (redirection->kind == Redirection::Kind::moved) locator_->moved(redirection->target);
      return true;
    }
    if (error.starts_with("MOVED ")) {  // to nobody knows where: another node may say it
      locator_->failed(server_);
      return true;
    }
  }
  locator_->failed(server_);
  return false;
}

Result<void> ScriptLine::check_confirmed(const ScriptOrder& order, const ScriptResult& result,
                                         std::string_view what, std::string_view therefore) {
  if (result.confirmations.value_or(0) >= order.replicas) return {};
  // A master that has lost its replicas may have been replaced.
  connection_.reset();
  locator_->failed(server_);
  const auto known = result.confirmations ? fmt::format("{} of", *result.confirmations) : "fewer than";
  return failure(
      ErrorCode::outcome_unknown,
      fmt::format("{}: {} {} replicas (min_replicas) have confirmed {} in time, so {}; see that enough "
                  "replicas follow this master",
                  describe(server_, *options_), known, order.replicas, what, therefore));
}

void ScriptLine::go_to(const Endpoint& master) {
  locator_->moved(master);
  connection_.reset();
  back_off_.succeeded();
}

}  // namespace nodepool::redis
