#pragma once

#include <optional>
#include <vector>

#include "cron/job_record.hpp"

/// The rules by which a job's instants become runs: a pure machine. Whoever owns the job reads its record,
/// asks `decide`, writes the new record back with a compare-and-set, and only then starts what it was told
/// to. If the record has changed meanwhile, nothing has happened, and it asks again. So an instant is run at
/// most once, whoever believes to own the job.
namespace nodepool::cron {

/// A job as its fleet is given it.
struct JobPlan {
  std::string name;
  Schedule schedule;
  JobPolicy policy;
};

/// Who asks, and when.
struct Moment {
  WallTime now;
  /// Instants up to this one are nobody's business: when this node was first told of the job. It counts only
  /// until the record says more.
  WallTime known_since;
  FencingToken token;
  std::string node;
};

/// What is to be done: write `record` and the entries, then start the runs.
struct Decision {
  JobRecord record;
  std::vector<RunMark> start;
  std::vector<HistoryEntry> entries;
  bool is_change = false;  ///< Otherwise there is nothing to write.
  bool is_stale = false;   ///< A later owner has written: this one has no say, and must not write.
};

/// What is due. A mark of an earlier token is one of a run whose node has gone without a word (a claim is
/// granted only when the one before is over): it is noted as lost, and never wedges the job.
/// Linear in the number of instants that have passed since the last decision.
[[nodiscard]] Decision decide(const JobPlan& plan, JobRecord record, const Moment& moment);

/// What follows the end of a run.
enum class After {
  go_on,   ///< What waited for the end starts.
  repeat,  ///< The mark stays, for the next attempt, which the caller starts after its delay.
  leave    ///< Nothing starts here: the node leaves the job to the next owner.
};

/// How a run went, as its node saw it.
struct Ending {
  Outcome outcome = Outcome::succeeded;
  std::string detail;  ///< Cut to `kMaxDetail` bytes, of which the last stay.
  After after = After::go_on;
};
/// The run has ended: it is noted. If its mark is not there (a later owner has noted it as lost), there is
/// nothing to write.
[[nodiscard]] Decision end_run(const JobPlan& plan, JobRecord record, const RunMark& run,
                               const Ending& ending, const Moment& moment);

/// Run it now, besides its schedule; `moment.now` stands for the instant. An overlap is decided by the
/// policy.
[[nodiscard]] Decision run_at_once(const JobPlan& plan, JobRecord record, const Moment& moment);

/// From now on nothing is run; what passes meanwhile is not missed. Runs that go on go on.
[[nodiscard]] JobRecord paused(JobRecord record);
[[nodiscard]] JobRecord resumed(JobRecord record, WallTime now);

/// When the job is to be looked at again, if nothing else happens; none if its schedule has ended.
[[nodiscard]] std::optional<WallTime> next_look(const JobPlan& plan, const JobRecord& record,
                                                WallTime known_since);

/// By how much the start of an instant is put off: less than the policy's jitter, the same on every node.
[[nodiscard]] std::chrono::nanoseconds delay_of(const JobPlan& plan, WallTime instant);
/// Before the attempt with this number (from 2 on).
[[nodiscard]] std::chrono::milliseconds retry_delay(const JobPolicy& policy, unsigned attempt);

}  // namespace nodepool::cron
