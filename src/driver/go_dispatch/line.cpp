#include "driver/go_dispatch/line.hpp"

#include <fmt/format.h>

#include <iterator>
#include <thread>
#include <utility>

#include "driver/redis/errors.hpp"

namespace nodepool::go_dispatch {
namespace {

using redis::Command;
using redis::Reply;

/// A call waits for so much of a back-off; for longer ones it fails at once and its caller decides.
constexpr std::chrono::milliseconds kShortWait{100};
/// Keys that one SCAN looks at: few round trips through a large database, and none that blocks the server.
constexpr std::string_view kScanCount = "1000";

}  // namespace

Line::Line(std::shared_ptr<const GoDispatchOptions> options, std::shared_ptr<const redis::TlsContext> tls,
           std::string group, std::uint32_t seed)
    : options_(std::move(options)),
      tls_(std::move(tls)),
      pace_(pace_of(*options_)),
      group_(std::move(group)),
      back_off_(seed) {}

Result<void> Line::connect(MonotonicTime deadline) {
  if (connection_ && !connection_->is_stale()) return {};
  connection_.reset();
  const auto now = BootClock::now();
  const auto left = back_off_.next_attempt() - now;
  if (left > kShortWait || now + left >= deadline) return tl::unexpected(last_failure_);
  if (left > left.zero()) std::this_thread::sleep_until(now + left);
  const redis::Endpoint endpoint = redis::endpoint_of(options_->redis);
  const auto patience = std::min(deadline, BootClock::now() + options_->redis.connect_timeout);
  auto connection = resolver_.resolve(endpoint, patience).and_then([&](const auto& addresses) {
    return redis::Connection::open(options_->redis, tls_, endpoint, addresses, patience);
  });
  if (!connection) {
    back_off_.failed(BootClock::now());
    last_failure_ = std::move(connection.error());
    return tl::unexpected(last_failure_);
  }
  back_off_.succeeded();
  connection_ = std::move(*connection);
  if (auto fit = check_server(deadline); !fit) return fit;
  if (deadline - BootClock::now() >= BootClock::now() - now) return {};
  // Over a slow link the first call would come too late, and with it the connection would be given up: time
  // and again.
  return failure(ErrorCode::unavailable,
                 fmt::format("{}: connecting took most of the call's time; the next call uses the connection",
                             redis::describe(options_->redis)));
}

/// A node of a cluster shows its own keys only: the list would be short, and nothing would tell.
Result<void> Line::check_server(MonotonicTime deadline) {
  auto info = exchange({"INFO", "cluster"}, deadline);
  if (!info) return tl::unexpected(std::move(info.error()));
  if (info->text.find("cluster_enabled:1") == std::string::npos) return {};
  connection_.reset();
  return failure(ErrorCode::unsupported,
                 fmt::format("{} is a node of a cluster, which does not see all keys; a go-dispatch pool "
                             "needs a server of its own",
                             redis::describe(options_->redis)));
}

Result<Reply> Line::call(const Command& command, MonotonicTime deadline) {
  if (auto connected = connect(deadline); !connected) return tl::unexpected(std::move(connected.error()));
  return exchange(command, deadline);
}

Result<Reply> Line::exchange(const Command& command, MonotonicTime deadline) {
  auto reply =
      connection_->call(command, std::min(deadline, BootClock::now() + options_->redis.call_timeout));
  if (!reply) {
    connection_.reset();
    return reply;
  }
  if (reply->kind != Reply::Kind::error) return reply;
  connection_.reset();  // another greeting may find another server behind the name, or other rights
  return tl::unexpected(explain(redis::without_password(std::move(reply->text), options_->redis.password)));
}

Error Line::explain(std::string_view refusal) const {
  const std::string server = redis::describe(options_->redis);
  const bool by_key = options_->layout == GoDispatchLayout::key;
  if (refusal.starts_with("NOPERM")) {
    return {ErrorCode::permission_denied,
            fmt::format("{} does not let this user keep a go-dispatch pool: {}; allow the user ~{}:* {} "
                        "+select +info",
                        server, shown(refusal), options_->prefix,
                        by_key ? "+exists +setex +scan +pttl +del" : "+time +zadd +zrangebyscore +zrem")};
  }
  if (refusal.starts_with("WRONGTYPE")) {
    return {ErrorCode::store_corrupt,
            fmt::format("{} has something else at {} than the sorted set of a go-dispatch pool; do the Go "
                        "nodes use the other driver?",
                        server, shown(group_))};
  }
  return redis::server_error(refusal, server, {});
}

Result<Line::Renewal> Line::renew(const std::string& name, MonotonicTime deadline) {
  if (options_->layout == GoDispatchLayout::zset) return renew_score(name, deadline);
  const auto found = call({"EXISTS", name}, deadline).and_then(read_integer);
  if (!found) return tl::unexpected(found.error());
  const auto sent = BootClock::now();
  return call({"SETEX", name, std::to_string(pace_.ttl.count()), name}, deadline).map([&](const Reply&) {
    return Renewal{.was_there = *found > 0, .sent = sent};
  });
}

Result<Line::Renewal> Line::renew_score(const std::string& name, MonotonicTime deadline) {
  if (auto in_step = check_clock(deadline); !in_step) return tl::unexpected(std::move(in_step.error()));
  const auto sent = BootClock::now();
  const auto second = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto score = std::to_string(second.time_since_epoch().count());
  return exchange({"ZADD", group_, score, name}, deadline)
      .and_then(read_integer)
      .map([&](std::int64_t added) { return Renewal{.was_there = added == 0, .sent = sent}; });
}

/// A score that is too old makes the others drop this node while it counts on being listed. Whose clock is
/// wrong cannot be known; the server's is one that all nodes can be compared with.
Result<void> Line::check_clock(MonotonicTime deadline) {
  if (auto connected = connect(deadline); !connected) return connected;
  const WallTime before = std::chrono::system_clock::now();
  const auto time = exchange({"TIME"}, deadline).and_then(read_time);
  if (!time) return tl::unexpected(time.error());
  const auto error = clock_error(before, std::chrono::system_clock::now(), *time);
  if (std::chrono::abs(error) <= options_->period / 2) return {};
  return failure(
      ErrorCode::unavailable,
      fmt::format("the clock of this machine is {} ms {} that of {}, so other nodes cannot tell "
                  "whether this one lives; set the clocks",
                  std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::abs(error)).count(),
                  error.count() > 0 ? "ahead of" : "behind", redis::describe(options_->redis)));
}

Result<std::vector<Entry>> Line::list(MonotonicTime deadline) {
  if (options_->layout == GoDispatchLayout::key) return scan(deadline);
  const auto oldest = oldest_score(std::chrono::system_clock::now(), options_->period);
  return call({"ZRANGEBYSCORE", group_, std::to_string(oldest.count()), "+inf", "WITHSCORES"}, deadline)
      .and_then(read_scores);
}

/// On one connection from the first page to the last: another server, or the same one after a restart, would
/// take the cursor for one of its own and leave keys out.
Result<std::vector<Entry>> Line::scan(MonotonicTime deadline) {
  if (auto connected = connect(deadline); !connected) return tl::unexpected(std::move(connected.error()));
  std::vector<Entry> entries;
  std::string cursor = "0";
  do {
    if (BootClock::now() >= deadline) {
      return failure(ErrorCode::unavailable,
                     fmt::format("{} has so many keys that the list of nodes could not be read in time; use "
                                 "a database of its own, or a longer store time-out",
                                 redis::describe(options_->redis)));
    }
    auto page = exchange({"SCAN", cursor, "MATCH", group_ + "*", "COUNT", std::string(kScanCount)}, deadline)
                    .and_then(read_scan);
    if (!page) return tl::unexpected(std::move(page.error()));
    cursor = std::move(page->cursor);
    std::ranges::move(page->entries, std::back_inserter(entries));
  } while (cursor != "0");
  return entries;
}

Result<void> Line::remove(const std::string& name, MonotonicTime deadline) {
  // The Go driver of the sorted set deletes a key that does not exist here, so that its nodes stay listed for
  // another period.
  const Command command =
      options_->layout == GoDispatchLayout::key ? Command{"DEL", name} : Command{"ZREM", group_, name};
  return call(command, deadline).map([](const Reply&) {});
}

Result<std::string> Line::info(MonotonicTime deadline) {
  return call({"INFO"}, deadline).map([](const Reply& reply) { return reply.text; });
}

Result<std::chrono::milliseconds> Line::time_to_live(const std::string& name, MonotonicTime deadline) {
  return call({"PTTL", name}, deadline).and_then(read_integer).map([](std::int64_t left) {
    return std::chrono::milliseconds(left);
  });
}

}  // namespace nodepool::go_dispatch
