#include "driver/redis/redis_session.hpp"

#include <fmt/format.h>

#include <thread>
#include <utility>

#include "driver/redis/errors.hpp"
#include "driver/redis/examination.hpp"

namespace nodepool::redis {
namespace {

/// A call waits for so much of a back-off; for longer ones it fails at once and its caller decides.
constexpr std::chrono::milliseconds kShortWait{100};

}  // namespace

RedisSession::RedisSession(std::shared_ptr<const RedisOptions> options, std::shared_ptr<const TlsContext> tls,
                           ServiceName service, std::uint32_t seed)
    : options_(std::move(options)),
      tls_(std::move(tls)),
      service_(std::move(service)),
      back_off_(seed),
      listener_(*options_, tls_, service_, seed + 1) {}

Result<void> RedisSession::connect(MonotonicTime deadline) {
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
  const auto patience = std::min(deadline, BootClock::now() + options_->connect_timeout);
  const Endpoint endpoint = endpoint_of(*options_);
  auto connection = resolver_.resolve(endpoint, patience).and_then([&](const auto& addresses) {
    return Connection::open(*options_, tls_, endpoint, addresses, patience);
  });
  if (!connection) {
    back_off_.failed(BootClock::now());
    last_failure_ = std::move(connection.error());
    return tl::unexpected(last_failure_);
  }
  back_off_.succeeded();
  connection_ = std::move(*connection);
  listener_.set_server(connection_->peer());
  return {};
}

Result<Reply> RedisSession::run(const ScriptCall& call, MonotonicTime deadline) {
  const auto patience = std::min(deadline, BootClock::now() + options_->call_timeout);
  auto reply = connection_->call(call.by_digest(), patience);
  if (reply && reply->kind == Reply::Kind::error && is_unknown_script(reply->text)) {
    reply = connection_->call(call.by_text(), patience);
  }
  if (!reply) {
    connection_.reset();
    return reply;
  }
  if (reply->kind != Reply::Kind::error) return reply;
  Error error = server_error(without_password(std::move(reply->text), options_->password),
                             describe(*options_), service_.str());
  // Another greeting may find another server behind the name, or other rights.
  connection_.reset();
  return tl::unexpected(std::move(error));
}

Result<SyncReply> RedisSession::sync(const SyncRequest& request, MonotonicTime deadline) {
  listener_.set_own_id(request.node.id);
  if (listener_.denied()) return tl::unexpected(*listener_.denied());
  const auto begun = BootClock::now();
  if (auto connected = connect(deadline); !connected) return tl::unexpected(std::move(connected.error()));
  const auto now = BootClock::now();
  if (deadline - now < now - begun) {
    // Over a slow link, the reply would come too late, and with it the connection would be given up: time and
    // again, while the store took the caller for a member that never acknowledges.
    return failure(
        ErrorCode::unavailable,
        fmt::format("{}: connecting took most of the call's time; the next call uses the connection",
                    describe(*options_)));
  }
  auto call = sync_call(service_, request, connection_->run_id());
  if (!call) return tl::unexpected(std::move(call.error()));
  return run(*call, deadline).and_then([&](const Reply& reply) {
    return read_sync_reply(service_, request, reply);
  });
}

Result<PoolStatus> RedisSession::status(MonotonicTime deadline) {
  if (auto connected = connect(deadline); !connected) return tl::unexpected(std::move(connected.error()));
  return run(status_call(service_), deadline).and_then([&](const Reply& reply) {
    return read_status_reply(service_, reply);
  });
}

Result<void> RedisSession::request_drain(const NodeId& node, MonotonicTime deadline) {
  if (auto connected = connect(deadline); !connected) return tl::unexpected(std::move(connected.error()));
  return run(drain_call(service_, node), deadline).and_then([&](const Reply& reply) {
    return read_drain_reply(service_, node, reply);
  });
}

std::vector<Finding> RedisSession::examine(MonotonicTime deadline) {
  if (auto connected = connect(deadline); !connected) return {};  // the pool's examination has told so
  auto findings = examine_server(*connection_, *options_, service_, deadline);
  connection_.reset();
  return findings;
}

std::vector<Hint> RedisSession::wait(MonotonicTime until, int wake_fd) {
  return listener_.wait(until, wake_fd, resolver_);
}

}  // namespace nodepool::redis
