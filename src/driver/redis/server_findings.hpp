#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "nodepool/doctor.hpp"
#include "nodepool/redis.hpp"
#include "nodepool/types.hpp"

/// What a server's own words mean for pools. No I/O.

namespace nodepool::redis {

/// From the whole answer to INFO: version, role, eviction, memory, persistence, replicas, room for clients.
std::vector<Finding> info_findings(std::string_view info, const RedisOptions& options);

/// The server's civil clock and this machine's, each looked at twice: `local` and `server` are what has
/// passed between the looks by each civil clock, `monotonic` by this machine's boot-time clock; `ahead`: by
/// how much the server's clock was ahead at the second look; `exact`: how exact all this is.
struct ClockLook {
  std::chrono::microseconds local{0}, server{0}, monotonic{0}, ahead{0}, exact{0};
};
std::vector<Finding> clock_findings(const ClockLook& look);

}  // namespace nodepool::redis
