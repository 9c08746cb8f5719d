#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/driver.hpp"

namespace nodepool {

/// Where a server listens.
struct RedisAddress {
  std::string host = "127.0.0.1";  ///< A name or an address.
  std::uint16_t port = 6379;
  bool operator==(const RedisAddress&) const = default;
};

/// Who knows where the pool's keys are.
enum class RedisTopology {
  server,    ///< One server, at `host` and `port` or at `unix_path`.
  sentinel,  ///< The Sentinels at `seeds` know the present master of `master_name`.
  cluster    ///< Any of the cluster's nodes at `seeds` knows who owns the pool's slot.
};

/// What a server must prove before anything is told to it.
enum class TlsVerify {
  full,  ///< A certificate of a known authority, for the very host that was asked for.
  ca,    ///< A certificate of a known authority: whoever has any of its certificates can play the server.
  none   ///< Nothing: encrypted, but to anybody. For tests.
};

/// TLS 1.2 or newer.
struct RedisTls {
  bool enabled = false;
  TlsVerify verify = TlsVerify::full;
  std::string ca_file;           ///< PEM file of the authorities trusted; empty: the system's.
  std::string certificate_file;  ///< PEM file of this client's certificate chain; empty: it has none.
  std::string key_file;          ///< PEM file of its key, without a passphrase.
  bool operator==(const RedisTls&) const = default;
};

/// Where a Redis (6.2 or newer) or Valkey server is, and how patient to be with it.
struct RedisOptions {
  std::string host = "127.0.0.1";  ///< A name or an address; ignored if `unix_path` is set.
  std::uint16_t port = 6379;
  std::string unix_path;  ///< Path of a Unix socket; empty: TCP.
  std::string user;       ///< ACL user; empty: the default user.
  std::string password;   ///< Never logged, never part of an error.
  unsigned database = 0;
  std::chrono::milliseconds connect_timeout{1000};  ///< 10 ms to 60 s.
  std::chrono::milliseconds call_timeout{
      1000};  ///< 10 ms to 60 s; a server silent for longer counts as failed.
  RedisTopology topology = RedisTopology::server;
  /// Sentinels, or nodes of the cluster, in the order to be asked; 1 to 64. Only to begin with: a cluster's
  /// other nodes are learnt.
  std::vector<RedisAddress> seeds;
  std::string master_name;        ///< What the Sentinels call the master.
  std::string sentinel_user;      ///< ACL user at the Sentinels; empty: the default user.
  std::string sentinel_password;  ///< Never logged, never part of an error.
  RedisTls tls;
  /// A heartbeat renews the lease only if so many replicas have confirmed it in time; 0 to 100. With 0, a
  /// master that was replaced but still serves some clients can let a job run twice (docs/redis.md). With
  /// more than there are, nothing ever runs.
  unsigned min_replicas = 0;
  bool operator==(const RedisOptions&) const = default;
};

/// Reads a URL. `invalid_argument` says which part is wrong, without any password. Percent-encoding is
/// decoded; IPv6 hosts stand in brackets.
///
///     redis://[user[:password]@]host[:port][/database]               one server
///     unix://[user[:password]@]/path/to/socket                       the same, by its socket
///     redis+sentinel://[user[:password]@]host[:port],...[/name[/database]]  asks Sentinels (name: mymaster)
///     redis+cluster://[user[:password]@]host[:port],...              a cluster
///
/// `rediss` in place of `redis` means TLS. After a `?`, joined by `&`: `db=N`, `connect_timeout=` and
/// `timeout=` (500ms, 2s), `min_replicas=N`; with TLS `ca=FILE`, `cert=FILE`, `key=FILE`,
/// `verify=full|ca|none`; with Sentinels `sentinel_user=` and `sentinel_password=`.
NODEPOOL_EXPORT Result<RedisOptions> parse_redis_url(std::string_view url);

/// A store on a Redis or Valkey server. All keys are named `nodepool:{service}:...`; the semantics are those
/// of `apply_sync`, as one server-side script. Does no I/O but to read the files of `tls`: the server is
/// first contacted by a session. Errors: `invalid_argument` with all faults of the options.
NODEPOOL_EXPORT Result<std::shared_ptr<Driver>> open_redis(RedisOptions options);
/// The same from a URL.
NODEPOOL_EXPORT Result<std::shared_ptr<Driver>> open_redis(std::string_view url);

}  // namespace nodepool
