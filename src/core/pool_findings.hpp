#pragma once

#include <vector>

#include "nodepool/doctor.hpp"
#include "nodepool/driver.hpp"

namespace nodepool {

/// What an observer can tell of a pool: settings, who is late, what it waits for. O(members log members).
NODEPOOL_EXPORT std::vector<Finding> pool_findings(const PoolStatus& status, const Capabilities& store);

/// What round trips to the store mean for a pool with these settings. REQUIRES: there is one.
NODEPOOL_EXPORT Finding round_trip_finding(std::vector<std::chrono::nanoseconds> round_trips,
                                           const PoolConfig& config);

}  // namespace nodepool
