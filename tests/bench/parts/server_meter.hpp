#pragma once

#include <chrono>
#include <cstdint>

#include "nodepool/types.hpp"
#include "support/redis_server.hpp"

namespace nodepool::bench {

/// What a server has done within a time.
struct ServerWork {
  std::chrono::nanoseconds elapsed{0};
  std::chrono::nanoseconds cpu{0};          ///< Of the whole server process.
  std::chrono::microseconds in_scripts{0};  ///< Of that, by its own count, within scripts.
  std::uint64_t script_calls = 0;
  std::uint64_t published = 0;  ///< Hints, each of which goes to all members.
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

/// Measures a server from its construction on. What the meter itself asks the server is left out, but for
/// some dozens of bytes.
class ServerMeter {
 public:
  explicit ServerMeter(const test::RedisServer& server);
  /// From the construction until now.
  [[nodiscard]] ServerWork read() const;

 private:
  struct Counts {
    ServerWork work;
    std::uint64_t own_bytes = 0;  ///< Of the reply that told it.
  };
  [[nodiscard]] Counts traffic() const;
  void add_commands(ServerWork& work) const;

  const test::RedisServer& server_;
  MonotonicTime begun_;
  Counts before_;
};

}  // namespace nodepool::bench
