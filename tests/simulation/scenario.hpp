#pragma once

#include <cstdint>

#include "simulation/world.hpp"

namespace nodepool::simulation {

/// What a run amounted to, so that one can see that it was no idle one.
struct Summary {
  nanoseconds simulated{0};
  std::uint64_t events = 0;
  std::uint64_t claims = 0;
  std::uint64_t fences = 0;
  std::uint64_t faults = 0;
  std::uint64_t views = 0;
};

/// One run of a whole pool under faults that are drawn from the seed; throws Violation where a promise is
/// broken. Every fourth seed is fault-free (joins, leaves and drains only), which is where P3 is strictest.
Summary run_scenario(std::uint64_t seed, bool trace);

}  // namespace nodepool::simulation
