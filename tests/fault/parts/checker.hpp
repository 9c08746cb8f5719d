#pragma once

#include <string>
#include <vector>

#include "cli/parts/timeline.hpp"

/// Judges what the nodes of a pool told, from the first event to the last: the promises of docs/protocol.md
/// that hold at every instant, whatever was done to the pool. Pure.

namespace nodepool::fault {

struct Violation {
  std::string promise;  ///< "P1", "P3" or "P5".
  std::string what;
};

/// P1: no job has two owners at one instant.
[[nodiscard]] std::vector<Violation> check_one_owner(const std::vector<cli::NodeRecord>& records,
                                                     WallTime now);

/// P3: a node stops a job only if it has lost its lease, leaves, or has adopted a view that gives the job to
/// another node. Where the job belongs is computed anew from the members' names (of weight 1, 50 points
/// each).
[[nodiscard]] std::vector<Violation> check_only_what_moves_stops(const std::vector<cli::NodeRecord>& records);

/// P5: a job's tokens never fall, and a later owner's is greater.
[[nodiscard]] std::vector<Violation> check_tokens_grow(const std::vector<cli::NodeRecord>& records);

/// All of them.
[[nodiscard]] std::vector<Violation> check_promises(const std::vector<cli::NodeRecord>& records,
                                                    WallTime now);

/// The nodes that lost their lease between two instants, ascending; each once.
[[nodiscard]] std::vector<std::string> lost_their_lease(const std::vector<cli::NodeRecord>& records,
                                                        WallTime from, WallTime until);

}  // namespace nodepool::fault
