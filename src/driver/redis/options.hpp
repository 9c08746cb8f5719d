#pragma once

#include "nodepool/redis.hpp"

namespace nodepool::redis {

/// `invalid_argument` with all faults of the options; never with the password.
Result<void> validate(const RedisOptions& options);

}  // namespace nodepool::redis
