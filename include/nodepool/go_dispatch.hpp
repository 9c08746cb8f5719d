#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "nodepool/driver.hpp"
#include "nodepool/redis.hpp"

namespace nodepool {

/// Which of the two Go drivers the other nodes of the pool use.
enum class GoDispatchLayout {
  key,  ///< A key for each node, `prefix:service:uuid`, that expires.
  zset  ///< One sorted set for all, `prefix:service:`; a node's score is when it was last heard, by its
        ///< clock.
};

/// How to take part in a pool of go-dispatch. All of it must be the same on all nodes, also on those in Go.
struct GoDispatchOptions {
  /// One server. Sentinels, clusters and `min_replicas` are refused.
  RedisOptions redis;
  GoDispatchLayout layout = GoDispatchLayout::key;
  /// What Go calls the update duration; 100 ms to 1 h. A change of the pool is acted on after one to two
  /// periods, a crash after two to four. Below a second the store's own grain (whole seconds) is coarser.
  std::chrono::milliseconds period{10'000};
  /// What all keys begin with: 1 to 128 printable bytes, without space and without * ? [ ] ^ and backslash.
  std::string prefix = "distributed-nodepool";
  bool operator==(const GoDispatchOptions&) const = default;
};

/// A pool shared with nodes of go-dispatch, for moving a fleet node by node
/// (docs/migrate-from-go-dispatch.md). The members are exactly those that the Go nodes see; a node is named
/// by its key, new at every start. Where the list holds something that is no node of the service, the share
/// of the jobs that falls to it runs nowhere, as in Go; the pool's log and `PoolStats::store_warnings` say
/// so.
///
/// The promises are those of the list: there is no acknowledged hand-over, and nobody knows of running
/// claims. A node takes new jobs only after the list has stayed the same for a whole period, gives jobs up
/// as soon as the list gives them to another (their claims are told to stop), and runs nothing once its own
/// entry may have run out. So no two nodes say yes at the same time as long as the Go nodes stop in time,
/// which they do not do when they are frozen or cut off. With `zset` all clocks must agree to less than a
/// period; a node whose clock is more than half a period off the server's takes no part. Fencing tokens come
/// from the nodes' clocks.
///
/// Of PoolOptions, `heartbeat` and `lease` are without effect (the driver keeps its own pace), `points` must
/// be the number of the Go nodes (50 by default), `weight` 1 and `placement` the ring; `name` is ignored, and
/// nobody sees `zone`, `address` and `metadata`. Does no I/O. Errors: `invalid_argument` with all faults of
/// the options, `unsupported` for Sentinels and clusters.
///
///     GoDispatchOptions options{.layout = GoDispatchLayout::key, .period = 10s};
///     options.redis = parse_redis_url("redis://127.0.0.1").value();
///     NodePool pool(ServiceName("billing"), open_go_dispatch(options).value());
///     auto started = pool.start(60s);
NODEPOOL_EXPORT Result<std::shared_ptr<Driver>> open_go_dispatch(GoDispatchOptions options);

}  // namespace nodepool
