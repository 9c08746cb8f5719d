#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "nodepool/driver.hpp"

namespace nodepool {

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
};

/// Reads `redis://[user[:password]@]host[:port][/database]` or
/// `unix://[user[:password]@]/path/to/socket[?db=N]`, with `connect_timeout=` and `timeout=` (such as 500ms,
/// 2s) after a `?`. Percent-encoding is decoded. `invalid_argument` says which part is wrong, without the
/// password. IPv6 hosts stand in brackets.
NODEPOOL_EXPORT Result<RedisOptions> parse_redis_url(std::string_view url);

/// A store on a Redis or Valkey server. All keys are named `nodepool:{service}:...`; the semantics are those
/// of `apply_sync`, as one server-side script. Does no I/O: the server is first contacted by a session.
/// Errors: `invalid_argument` with all faults of the options.
NODEPOOL_EXPORT Result<std::shared_ptr<Driver>> open_redis(RedisOptions options);
/// The same from a URL.
NODEPOOL_EXPORT Result<std::shared_ptr<Driver>> open_redis(std::string_view url);

}  // namespace nodepool
