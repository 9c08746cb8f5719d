#pragma once

#include <chrono>

#include "nodepool/go_dispatch.hpp"

namespace nodepool::go_dispatch {

/// `invalid_argument` with all faults, `unsupported` for a place where a list cannot be whole.
Result<void> validate(const GoDispatchOptions& options);

/// What follows from the period.
struct Pace {
  std::chrono::seconds ttl;             ///< Of a node's key: whole seconds of the period, at least one.
  std::chrono::milliseconds lease;      ///< What a renewal and the list after it are worth.
  std::chrono::milliseconds beat;       ///< Between two renewals, each with a look at the list.
  std::chrono::milliseconds stability;  ///< So long the list must stay the same before it is settled.
};
Pace pace_of(const GoDispatchOptions& options);

}  // namespace nodepool::go_dispatch
