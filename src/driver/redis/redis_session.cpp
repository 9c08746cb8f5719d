#include "driver/redis/redis_session.hpp"

#include <fmt/format.h>

#include <utility>

#include "driver/redis/examination.hpp"

namespace nodepool::redis {

RedisSession::RedisSession(std::shared_ptr<const RedisOptions> options,
                           const std::shared_ptr<const TlsContext>& tls, ServiceName service,
                           std::uint32_t seed)
    : options_(std::move(options)),
      service_(std::move(service)),
      listener_(*options_, tls, service_, seed + 1),
      line_(options_, tls, service_, seed, [this](const Endpoint& server, const SocketAddress& peer) {
        listener_.subscription().listen_at({{server, peer}});
      }) {
  if (options_->topology == RedisTopology::sentinel) watch_.emplace(*options_, tls, seed + 2);
  if (options_->topology == RedisTopology::server)
    listener_.subscription().listen_at({{endpoint_of(*options_)}});
}

bool RedisSession::can_be_undone() const {
  const bool has_successor =
      options_->topology != RedisTopology::server || (line_.info() != nullptr && line_.info()->replicas > 0);
  return has_successor && options_->min_replicas == 0;
}

Result<SyncReply> RedisSession::sync(const SyncRequest& request, MonotonicTime deadline) {
  listener_.set_own_id(request.node.id);
  const auto begun = BootClock::now();
  if (auto connected = line_.connect(deadline); !connected)
    return tl::unexpected(std::move(connected.error()));
  // After the connection, which may have led to another server.
  if (auto denied = listener_.denied()) return tl::unexpected(*std::move(denied));
  const auto now = BootClock::now();
  if (deadline - now < now - begun) {
    // Over a slow link, the reply would come too late, and with it the connection would be given up: time and
    // again, while the store took the caller for a member that never acknowledges.
    return failure(
        ErrorCode::unavailable,
        fmt::format("{}: connecting took most of the call's time; the next call uses the connection",
                    describe(line_.server(), *options_)));
  }
  const ScriptOrder order{
      .call = [&](const std::string& run_id) { return sync_call(service_, request, run_id); },
      // Whoever leaves has given up its rights already: nothing of its own depends on the answer.
      .replicas = request.intent == Intent::leaving ? 0 : options_->min_replicas};
  auto result = line_.run(order, deadline);
  if (!result) return tl::unexpected(std::move(result.error()));
  auto reply = read_sync_reply(service_, request, result->reply);
  if (!reply) return reply;
  auto confirmed = line_.check_confirmed(order, *result, "the heartbeat", "it renews no lease");
  if (!confirmed) return tl::unexpected(std::move(confirmed.error()));
  reply->unconfirmed = can_be_undone();
  if (reply->unconfirmed) {
    reply->warnings.push_back(
        fmt::format("{} has replicas, and none is asked to confirm (min_replicas=0): if it is replaced and "
                    "still serves some nodes, two nodes can run one job",
                    describe(*options_)));
  }
  const bool in_cluster = line_.info() != nullptr && line_.info()->mode == ServerInfo::Mode::cluster;
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
  return line_.run(order, deadline).and_then([&](const ScriptResult& result) {
    return read_status_reply(service_, result.reply);
  });
}

Result<void> RedisSession::request_drain(const NodeId& node, MonotonicTime deadline) {
  const ScriptOrder order{.call = [&](const std::string&) { return drain_call(service_, node); }};
  return line_.run(order, deadline).and_then([&](const ScriptResult& result) {
    return read_drain_reply(service_, node, result.reply);
  });
}

std::vector<Finding> RedisSession::examine(MonotonicTime deadline) {
  if (auto connected = line_.connect(deadline); !connected) return {};  // the pool's examination has told so
  auto findings = examine_server(*line_.connection(), *options_, service_, deadline);
  line_.disconnect();
  return findings;
}

std::vector<Hint> RedisSession::wait(MonotonicTime until, int wake_fd) {
  std::vector<Subscription*> subscriptions{&listener_.subscription()};
  if (watch_) subscriptions.push_back(&watch_->subscription());
  while (true) {
    const bool last = Subscription::wait(subscriptions, until, wake_fd, line_.resolver());
    auto hints = listener_.take();
    const auto master = watch_ ? watch_->take_switch() : std::nullopt;
    if (master && !(line_.connection() != nullptr && line_.server() == *master)) {
      line_.go_to(*master);
      hints.emplace_back();  // there is a new master to be told that this node lives
    }
    if (watch_ && watch_->take_missed()) {
      line_.doubt_master();
      hints.emplace_back();
    }
    if (last || !hints.empty()) return hints;
  }
}

}  // namespace nodepool::redis
