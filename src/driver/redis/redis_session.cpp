#include "driver/redis/redis_session.hpp"

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

RedisSession::RedisSession(std::shared_ptr<const RedisOptions> options, std::shared_ptr<const TlsContext> tls,
                           ServiceName service, std::uint32_t seed)
    : options_(std::move(options)),
      tls_(std::move(tls)),
      service_(std::move(service)),
      locator_(make_locator(*options_, tls_, hint_channel(service_))),
      back_off_(seed),
      listener_(*options_, tls_, service_, seed + 1) {
  if (options_->topology == RedisTopology::sentinel) watch_.emplace(*options_, tls_, seed + 2);
  if (options_->topology == RedisTopology::server)
    listener_.subscription().listen_at({{endpoint_of(*options_)}});
}

void RedisSession::verify_master(MonotonicTime deadline) {
  if (!std::exchange(doubts_master_, false) || !connection_) return;
  const auto master =
      locator_->locate(resolver_, std::min(deadline, BootClock::now() + options_->connect_timeout / 2));
  if (master && *master != server_) connection_.reset();
}

Result<void> RedisSession::connect(MonotonicTime deadline) {
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

Result<void> RedisSession::find_server(MonotonicTime deadline) {
  auto server = locator_->locate(resolver_, deadline);
  if (!server) return tl::unexpected(std::move(server.error()));
  auto connection = open(*server, deadline);
  if (!connection) {
    locator_->failed(*server);
    return tl::unexpected(std::move(connection.error()));
  }
  server_ = *std::move(server);
  connection_ = std::move(*connection);
  listener_.subscription().listen_at({{server_, connection_->peer()}});
  return {};
}

Result<Connection> RedisSession::open(const Endpoint& server, MonotonicTime deadline) {
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

Result<ScriptResult> RedisSession::run(const ScriptOrder& order, MonotonicTime deadline) {
  deadline = std::min(deadline, BootClock::now() + options_->call_timeout);
  for (auto pause = kMigrationPause;; pause = std::min(2 * pause, kLongestPause)) {
    auto connected = connect(deadline);
    if (!connected) return tl::unexpected(std::move(connected.error()));
    auto result = run_once(order, deadline);
    if (result && result->reply.kind != Reply::Kind::error) return result;
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

Result<ScriptResult> RedisSession::run_once(const ScriptOrder& order, MonotonicTime deadline) {
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
std::string RedisSession::name_missing_rights(Connection& connection, MonotonicTime deadline) const {
  if (options_->min_replicas > 0) return {};  // the answer to the wait is still to come
  const auto missing = missing_rights(connection, *options_, service_, deadline);
  if (!missing || missing->commands.empty()) return {};
  return fmt::format(" (this user may not: {})", fmt::join(missing->commands, ", "));
}

bool RedisSession::follow(const std::string& error) {
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

Error RedisSession::unconfirmed(const ScriptResult& result) {
  // A master that has lost its replicas may have been replaced.
  connection_.reset();
  locator_->failed(server_);
  const auto known = result.confirmations ? fmt::format("{} of", *result.confirmations) : "fewer than";
  return {
      ErrorCode::outcome_unknown,
      fmt::format("{}: {} {} replicas (min_replicas) have confirmed the heartbeat in time, so it renews no "
                  "lease; see that enough replicas follow this master",
                  describe(server_, *options_), known, options_->min_replicas)};
}

bool RedisSession::can_be_undone() const {
  const bool has_successor =
      options_->topology != RedisTopology::server || (connection_ && connection_->server().replicas > 0);
  return has_successor && options_->min_replicas == 0;
}

Result<SyncReply> RedisSession::sync(const SyncRequest& request, MonotonicTime deadline) {
  listener_.set_own_id(request.node.id);
  const auto begun = BootClock::now();
  if (auto connected = connect(deadline); !connected) return tl::unexpected(std::move(connected.error()));
  // After the connection, which may have led to another server.
  if (auto denied = listener_.denied()) return tl::unexpected(*std::move(denied));
  const auto now = BootClock::now();
  if (deadline - now < now - begun) {
    // Over a slow link, the reply would come too late, and with it the connection would be given up: time and
    // again, while the store took the caller for a member that never acknowledges.
    return failure(
        ErrorCode::unavailable,
        fmt::format("{}: connecting took most of the call's time; the next call uses the connection",
                    describe(server_, *options_)));
  }
  const ScriptOrder order{
      .call = [&](const std::string& run_id) { return sync_call(service_, request, run_id); },
      // Whoever leaves has given up its rights already: nothing of its own depends on the answer.
      .replicas = request.intent == Intent::leaving ? 0 : options_->min_replicas};
  auto result = run(order, deadline);
  if (!result) return tl::unexpected(std::move(result.error()));
  // What was not waited for is still to come, and must not be taken for the next call's answer.
  if (order.replicas > 0 && !result->confirmations) connection_.reset();
  auto reply = read_sync_reply(service_, request, result->reply);
  if (!reply) return reply;
  if (order.replicas > 0 && result->confirmations.value_or(0) < order.replicas)
    return tl::unexpected(unconfirmed(*result));
  reply->unconfirmed = can_be_undone();
  if (reply->unconfirmed) {
    reply->warnings.push_back(
        fmt::format("{} has replicas, and none is asked to confirm (min_replicas=0): if it is replaced and "
                    "still serves some nodes, two nodes can run one job",
                    describe(*options_)));
  }
  const bool in_cluster = connection_ && connection_->server().mode == ServerInfo::Mode::cluster;
  if (in_cluster && options_->topology == RedisTopology::server) {
    reply->warnings.push_back(fmt::format(
        "{} is a node of a cluster, and the pool is lost to it when its slot moves: use redis+cluster://",
        describe(*options_)));
  }
  if (auto warning = watch_ ? watch_->warning() : std::nullopt)
    reply->warnings.push_back(*std::move(warning));
  return reply;
}

Result<PoolStatus> RedisSession::status(MonotonicTime deadline) {
  const ScriptOrder order{.call = [&](const std::string&) { return status_call(service_); }};
  return run(order, deadline).and_then([&](const ScriptResult& result) {
    return read_status_reply(service_, result.reply);
  });
}

Result<void> RedisSession::request_drain(const NodeId& node, MonotonicTime deadline) {
  const ScriptOrder order{.call = [&](const std::string&) { return drain_call(service_, node); }};
  return run(order, deadline).and_then([&](const ScriptResult& result) {
    return read_drain_reply(service_, node, result.reply);
  });
}

std::vector<Finding> RedisSession::examine(MonotonicTime deadline) {
  if (auto connected = connect(deadline); !connected) return {};  // the pool's examination has told so
  auto findings = examine_server(*connection_, *options_, service_, deadline);
  connection_.reset();
  return findings;
}

std::vector<Hint> RedisSession::wait(MonotonicTime until, int wake_fd) {
  std::vector<Subscription*> subscriptions{&listener_.subscription()};
  if (watch_) subscriptions.push_back(&watch_->subscription());
  while (true) {
    const bool last = Subscription::wait(subscriptions, until, wake_fd, resolver_);
    auto hints = listener_.take();
    const auto master = watch_ ? watch_->take_switch() : std::nullopt;
    if (master && !(connection_ && server_ == *master)) {
      locator_->moved(*master);
      connection_.reset();
      back_off_.succeeded();
      hints.emplace_back();  // there is a new master to be told that this node lives
    }
    if (watch_ && watch_->take_missed()) {
      doubts_master_ = true;
      hints.emplace_back();
    }
    if (last || !hints.empty()) return hints;
  }
}

}  // namespace nodepool::redis
