#pragma once

#include <vector>

#include "driver/redis/connection.hpp"
#include "nodepool/doctor.hpp"

namespace nodepool::redis {

/// Examines the server at the other end: what it says of itself, which of the rights that nodes need this
/// user lacks, and its clock. Tries the rights on a scratch key of the service, which it deletes again. Takes
/// about half a second. A connection that fails on the way is a finding.
std::vector<Finding> examine_server(Connection& connection, const RedisOptions& options,
                                    const ServiceName& service, MonotonicTime deadline);

}  // namespace nodepool::redis
