#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/parts/events.hpp"

/// Measures what a pool did from what every node itself decided. Pure.

namespace nodepool::cli {

/// All that one node process told, in its order.
struct NodeRecord {
  std::string node;
  std::vector<Event> events;
  /// When it was killed, if it was: its intervals that are open then end there.
  std::optional<WallTime> killed_at;
};

/// A time during which one node said yes for one job.
struct Interval {
  std::string job;
  std::string node;
  WallTime first;  ///< Right after the first yes.
  WallTime last;   ///< Right before the last yes; before `first` if there was but one yes.
  bool operator==(const Interval&) const = default;
};

/// Two nodes said yes for one job at one instant.
struct Overlap {
  std::string job;
  std::string one;
  std::string other;
  WallTime from;
  WallTime until;
};

/// The intervals of all nodes, ascending by (job, first). What is still granted at the end of a record lasts
/// until the node was killed, or else until `now`. O(events log events).
[[nodiscard]] std::vector<Interval> intervals_of(const std::vector<NodeRecord>& records, WallTime now);

/// Every pair of intervals of one job and different nodes that have an instant in common. REQUIRES: the order
/// of intervals_of. O(n log n) without overlaps.
[[nodiscard]] std::vector<Overlap> overlaps_of(const std::vector<Interval>& intervals);

/// What a node is doing, as its events so far tell.
struct NodeNow {
  std::optional<NodeState> state;
  Epoch epoch;
  std::size_t members = 0;     ///< Of its view.
  WallTime since;              ///< When it reached this state in this view.
  std::set<std::string> jobs;  ///< That it may run.
};
/// By the events up to `until`. O(events).
[[nodiscard]] NodeNow now_of(const NodeRecord& record, WallTime until);

/// Something that was done to the pool: the cause's instant, and an instant at which the pool was calm again.
struct Happening {
  std::string name;
  WallTime from;
  WallTime until;
  std::vector<std::string> alive;  ///< The nodes that should be steady at the end.
};

/// What a happening did to the jobs.
struct HappeningReport {
  std::string name;
  std::map<std::string, std::chrono::nanoseconds>
      moved;  ///< Jobs with another owner than before; how long each paused.
  std::map<std::string, std::chrono::nanoseconds>
      unmoved;                       ///< Jobs with the same owner; how long each paused: 0.
  std::vector<std::string> unowned;  ///< Jobs that nobody runs at the end.
  std::optional<std::chrono::nanoseconds>
      steady_after;  ///< Until the last node was steady; none if one is not.
};
/// A job's owner before is the node of its last interval that began by `from`; a pause is the sum of the gaps
/// between there and the interval at `until`. A job that nobody had before is in neither map. O(intervals *
/// log).
[[nodiscard]] HappeningReport report_of(const Happening& happening, const std::vector<NodeRecord>& records,
                                        const std::vector<Interval>& intervals);

/// Smallest, middle and greatest of some pauses; all zero if there are none.
struct Spread {
  std::chrono::nanoseconds min{0};
  std::chrono::nanoseconds median{0};
  std::chrono::nanoseconds max{0};
};
[[nodiscard]] Spread spread_of(const std::map<std::string, std::chrono::nanoseconds>& pauses);

}  // namespace nodepool::cli
