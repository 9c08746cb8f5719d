#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "parts/server_meter.hpp"
#include "scale/crowd.hpp"

/// What is done to a crowd of one size, and what it measured.

namespace nodepool::bench {

struct ScaleSettings {
  std::chrono::milliseconds heartbeat{1000};
  std::chrono::milliseconds lease{4000};
  std::size_t processes = 4;
  std::size_t repetitions = 5;  ///< Of a join and a leave.
  std::chrono::seconds window{10};
  std::chrono::seconds patience{60};  ///< What takes longer counts as failed.
  bool only_warm = false;             ///< Leaves out the start on an empty server.
};

/// A change of the pool: how long until all were steady, and what it cost.
struct Change {
  bool in_time = true;  ///< If not, the costs are those until patience was lost.
  std::chrono::nanoseconds took{0};
  std::chrono::nanoseconds first{0};  ///< Until the newcomer itself was steady, where there is one.
  ServerWork server;
  std::chrono::nanoseconds workers_cpu{0};
  std::uint32_t leases_lost = 0;
};

/// A pool in which nothing happens.
struct Quiet {
  ServerWork server;
  std::chrono::nanoseconds workers_cpu{0};
  std::uint32_t leases_lost = 0;
};

/// None: it could not be tried; the troubles say why.
struct ScaleResult {
  std::size_t nodes = 0;
  std::optional<Change> cold;   ///< All start at once on an empty server: behind the barrier of rule R3.
  std::optional<Change> warm;   ///< All but one start at once, beside that one.
  std::optional<Change> ramp;   ///< Where that failed: started by twentieths, one after the other.
  std::optional<Change> join;   ///< One more: the median of the repetitions.
  std::optional<Change> leave;  ///< It leaves again.
  /// The server is killed and comes back with its data: all connect at once.
  std::optional<Change> restart;
  std::optional<Change> crash;  ///< A tenth of the nodes is killed.
  std::optional<Quiet> quiet;
  std::optional<Quiet> quiet_among_foreign_keys;
  std::vector<std::string> troubles;
};

[[nodiscard]] ScaleResult measure_scale(std::size_t nodes, const ScaleSettings& settings);

/// The results as a table for people, and as figures for scripts/bench.
[[nodiscard]] std::string scale_table(const std::vector<ScaleResult>& results, const ScaleSettings& settings);
void print_scale_figures(const ScaleResult& result, const ScaleSettings& settings);

}  // namespace nodepool::bench
