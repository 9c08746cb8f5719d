#pragma once

#include <optional>
#include <span>
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
  /// When this node was first told of the job with this schedule. Instants up to it are nobody's business,
  /// unless the record has the same schedule: then it knows more.
  WallTime known_since;
  FencingToken token;
  std::string node;
  NodeId life;
  std::span<const NodeId> members;  ///< The lives in the view by which the job is this node's. Ascending.
};

/// What is to be done: write `record` and the entries, then start the runs.
struct Decision {
  JobRecord record;
  std::vector<RunMark> start;
  std::vector<HistoryEntry> entries;
  bool is_change = false;  ///< Otherwise there is nothing to write.
  bool is_stale = false;   ///< A later owner has written: this one has no say, and must not write.
};

/// What is due. A mark of a life that is no member any more is one of a run whose node has gone without a
/// word (its lease is over, and the run was told to stop before that): it is noted as lost, and never wedges
/// the job. The first decision of all only writes down from when on instants count.
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

/// A mark of the caller's own whose run it has not started, as it could not: the instant waits again, for the
/// next owner. If the mark is not there, there is nothing to write.
[[nodiscard]] Decision give_back(JobRecord record, const RunMark& run, const Moment& moment);

/// Run it once besides its schedule; `now` stands for the instant. The next `decide` of the owner starts it,
/// also if the job is paused; an overlap is decided by the policy. False if `kMostRuns` are asked for
/// already.
[[nodiscard]] bool ask(JobRecord& record, WallTime now);

/// From now on nothing is run; what passes meanwhile is not missed. Runs that go on go on. Instants that were
/// decided by a clock that was far ahead are to come again after a pause.
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
