#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nodepool/job_policy.hpp"

namespace nodepool::cron {

/// A run that has started and has not told its end.
struct RunMark {
  WallTime scheduled;
  WallTime started;
  unsigned attempt = 1;
  FencingToken token;
  std::string node;  ///< Its name, for people.
  NodeId life;       ///< Which life of it: over once the pool has no such member.
  bool operator==(const RunMark&) const = default;
};

/// All that the fleet has to agree on about one job. It lives in the ledger, and is written only together
/// with the step that it allows: nobody starts what is not marked there.
struct JobRecord {
  /// Every instant up to this one is decided: run, waiting in `pending`, or noted as not run. The clock's
  /// epoch if nothing was ever decided.
  WallTime decided{};
  FencingToken token;  ///< The greatest that has written.
  bool paused = false;
  std::vector<WallTime> asked;    ///< To be run besides the schedule, as somebody has asked at these times.
  std::vector<WallTime> pending;  ///< To be run, in this order, when the runs before have ended.
  std::vector<RunMark> running;
  std::string schedule;  ///< By which `decided` came about, and for people: `text_of` the plan's.
  bool operator==(const JobRecord&) const = default;
};

/// The expression and its zone, at most 200 bytes.
[[nodiscard]] std::string text_of(const Schedule& schedule);

[[nodiscard]] std::string to_json(const JobRecord& record);
/// The empty text is a record of which nothing was ever written. `store_corrupt` for anything that to_json
/// does not make.
[[nodiscard]] Result<JobRecord> parse_job_record(std::string_view text);

}  // namespace nodepool::cron
