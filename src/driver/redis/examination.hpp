#pragma once

#include <string>
#include <vector>

#include "driver/redis/connection.hpp"
#include "nodepool/doctor.hpp"

namespace nodepool::redis {

/// What a user may not do although nodes do it.
struct MissingRights {
  std::vector<std::string> commands;
  std::string refusal;  ///< The server's words for the last of them.
};
/// Tries each command on a scratch key of the service, so that all that is missing is told at once; writes
/// nothing that could not be removed again. The connection is subscribed afterwards: of no more use for
/// calls.
Result<MissingRights> missing_rights(Connection& connection, const RedisOptions& options,
                                     const ServiceName& service, MonotonicTime deadline);

/// Examines the server at the other end: what it says of itself, which of the rights that nodes need this
/// user lacks, and its clock. Tries the rights on a scratch key of the service, which it deletes again. Takes
/// about half a second. A connection that fails on the way is a finding.
std::vector<Finding> examine_server(Connection& connection, const RedisOptions& options,
                                    const ServiceName& service, MonotonicTime deadline);

}  // namespace nodepool::redis
