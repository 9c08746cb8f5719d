#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/driver.hpp"
#include "nodepool/job_policy.hpp"
#include "nodepool/log.hpp"
#include "nodepool/pool.hpp"
#include "nodepool/schedule.hpp"

namespace nodepool::cron {

/// Names that begin so are the scheduler's own in pools and ledgers.
inline constexpr std::string_view kReservedPrefix = "@nodepool/";
/// Longest name of a job that is scheduled, in bytes: the pool's own are a little longer.
inline constexpr std::size_t kMaxScheduledName = 480;

/// One run, as its function sees it. Lives as long as the call. Threads: const members may be called by any.
class NODEPOOL_EXPORT JobRun {
 public:
  virtual ~JobRun() = default;
  [[nodiscard]] virtual const std::string& job() const noexcept = 0;
  /// The instant of the schedule that this run stands for; together with the job it names the firing.
  [[nodiscard]] virtual WallTime scheduled() const noexcept = 0;
  /// From 1; greater after failures, if the policy has retries.
  [[nodiscard]] virtual unsigned attempt() const noexcept = 0;
  /// For whatever the run writes to: greater than that of any run on a node that lost the job before.
  [[nodiscard]] virtual FencingToken token() const noexcept = 0;
  /// Stop at once: the lease is gone, the policy's time-out is over, or the scheduler stops.
  [[nodiscard]] virtual std::stop_token stop_token() const noexcept = 0;
  /// Until when the right to run lasts unless the lease is renewed before; moves on with every heartbeat.
  [[nodiscard]] virtual MonotonicTime valid_until() const noexcept = 0;
  /// The run has failed, and why: at most kMaxDetail bytes are kept, the last ones. An exception that
  /// leaves the function says the same.
  virtual void fail(std::string why) = 0;
  /// The run has stopped before it was done, as its lease was about to end: it did not fail, and is not
  /// repeated. Whoever has been told by the stop token need not say so.
  virtual void give_up(std::string why) = 0;
  /// What the history is to tell of the run, unless it fails; bounded as above.
  virtual void note(std::string detail) = 0;
};

/// What is run. Called on a thread of the scheduler; it may take its time, but heeds the run's stop token.
using JobFunction = std::function<void(JobRun&)>;

/// A job as an object, for who has its dependencies in one.
class NODEPOOL_EXPORT Task {
 public:
  virtual ~Task() = default;
  virtual void run(JobRun& run) = 0;
};

/// A job, as every node that may run it is given it.
struct JobSpec {
  std::string name;  ///< 1 to kMaxScheduledName bytes; the same on all nodes.
  Schedule schedule;
  JobFunction function;
  JobPolicy policy = {};
};

/// A job as this node sees it.
struct JobStatus {
  std::string name;
  Schedule schedule;
  JobPolicy policy;
  bool is_here = false;          ///< This node is the one to run it.
  bool is_paused = false;        ///< As far as this node knows; certain if the job is here.
  std::size_t running = 0;       ///< Runs that go on here.
  std::optional<WallTime> next;  ///< None if paused, or the schedule has ended.
};

/// What has happened since `start` on this node. All only grow.
struct SchedulerStats {
  std::uint64_t started = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t timed_out = 0;
  std::uint64_t stopped = 0;
  std::uint64_t lost = 0;        ///< Runs of nodes that ended without a word.
  std::uint64_t missed = 0;      ///< Instants that were not run, too late.
  std::uint64_t overlapped = 0;  ///< Instants that were not run, as the run before was going on.
  std::uint64_t store_failures = 0;
};

class Scheduler;

struct SchedulerOptions {
  /// Runs that go on at once, each on a thread of its own that is started when it is needed; 1 to 10,000.
  /// What is due beyond that waits, and then follows the job's `missed` policy.
  unsigned most_runs = 64;
  /// Lines to the store, each with a thread; 1 to 64. More: more jobs that start within the same
  /// millisecond, where the store is far away.
  unsigned store_lines = 4;
  std::chrono::milliseconds store_timeout{
      1000};  ///< The most one call to the store may take; 10 ms to 1 min.
  /// How often a node looks for what was asked of it elsewhere (run now, pause), and who has which jobs;
  /// 50 ms to 1 min.
  std::chrono::milliseconds notice{1000};
  /// Put around every function, the first outermost: for what all jobs have in common.
  std::vector<std::function<JobFunction(JobFunction)>> wrappers;
  /// Called by `start` before anything is due: the place to add jobs that are kept elsewhere (dcron:
  /// RecoverFunc).
  std::function<void(Scheduler&)> on_start;
  /// Told of every entry of the history that this node has written: runs, and instants without one. On a
  /// thread of the scheduler; must neither block nor call `list` or `stop`. What it throws is caught and
  /// logged.
  std::function<void(const std::string& job, const HistoryEntry& entry)> on_entry;
  Logger logger;
  /// The civil clock, called by any thread; empty: this machine's.
  std::function<WallTime()> clock;
};

/// `invalid_argument` names all faults.
[[nodiscard]] NODEPOOL_EXPORT Result<void> validate(const SchedulerOptions& options);

/// Runs jobs by their schedules on a pool: every node adds the same jobs, and each instant of each job is run
/// on one of them, at most once.
///
/// Promises (docs/cron.md): an instant is written down in the store, in one atomic step, before its run
/// starts; so it is run at most once, through crashes, hand-overs, restarts, and clocks that differ by less
/// than the policy's `on_time`. What falls into a hand-over or an outage is not lost: the next owner follows
/// the job's `missed` policy. An instant that is not run has an entry in the history that says why. A crash
/// never wedges a job. A job is run among the nodes that have added it.
///
/// Not promised: that a run which was started also ends (the history then says `lost`).
///
/// Threads: all members are thread-safe; functions run on threads of the scheduler. Life cycle: construct,
/// `add` at any time, `start`, `stop`; the pool may be started before or after, and stopped after `stop`. The
/// destructor stops without grace, and waits for functions that do not heed their stop token. Cost: a firing
/// is two steps of the store; a job that is not due costs nothing, so 100,000 of them are fine.
///
///     auto pool = std::make_shared<NodePool>("billing", driver, 4s);
///     cron::Scheduler scheduler(pool, driver, ServiceName("billing"));
///     auto nightly = cron::Schedule::parse("CRON_TZ=Europe/Berlin 30 2 * * *").value();
///     const auto send = [](cron::JobRun& run) { send_invoices(run.scheduled()); };
///     if (auto added = scheduler.add({"invoices", nightly, send}); !added) return added;
///     if (auto joined = pool->start(); !joined) return joined;
///     if (auto started = scheduler.start(); !started) return started;
class NODEPOOL_EXPORT Scheduler {
 public:
  /// `driver` and `service`: where the pool lives; the scheduler's books lie beside it.
  Scheduler(std::shared_ptr<INodePool> pool, std::shared_ptr<Driver> driver, const ServiceName& service,
            SchedulerOptions options = {});
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Errors: `invalid_argument` (the options), `unsupported` (the store keeps no ledger), `wrong_state`
  /// (started already, or stopped).
  [[nodiscard]] Result<void> start();
  /// Starts nothing more; waits at most `grace` for the runs, then tells them to stop, and waits until they
  /// have: not to be called by a run. Idempotent; final.
  void stop(std::chrono::milliseconds grace = std::chrono::seconds(10));

  /// Instants count from now on, unless the fleet knows the job already. Errors: `invalid_argument` (name,
  /// policy, no function), `wrong_state` (there is a job of that name).
  [[nodiscard]] Result<void> add(JobSpec job);
  /// The same for an object; it is kept as long as the job or a run of it.
  [[nodiscard]] Result<void> add(std::string name, Schedule schedule, std::shared_ptr<Task> task,
                                 JobPolicy policy = {});
  /// Runs that go on go on; nothing more is started here. The store keeps the job's history: other nodes may
  /// still have it. `not_found` if there is none.
  [[nodiscard]] Result<void> remove(const std::string& name);
  /// Makes these the jobs: others are removed, new ones added, and the rest goes on with what is new of it,
  /// without losing an instant. All or none: `invalid_argument` names the first fault.
  [[nodiscard]] Result<void> replace(std::vector<JobSpec> jobs);
  /// This node's jobs, ascending by name. Waits for steps of the store that are under way.
  [[nodiscard]] std::vector<JobStatus> list() const;

  // In the whole fleet; as JobControl has it, for a job that this node need not own. Of the store's errors
  // `unavailable` and `outcome_unknown` are worth another try.
  [[nodiscard]] Result<void> pause(const std::string& name);
  [[nodiscard]] Result<void> resume(const std::string& name);
  [[nodiscard]] Result<void> run_now(const std::string& name);
  /// Newest first, at most `most`.
  [[nodiscard]] Result<std::vector<HistoryEntry>> history(const std::string& name, std::size_t most) const;

  [[nodiscard]] SchedulerStats stats() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// A run that goes on somewhere in the fleet.
struct FleetRun {
  WallTime scheduled;
  WallTime started;
  unsigned attempt = 1;
  FencingToken token;
  std::string node;
};

/// A job as the store knows it.
struct FleetJob {
  std::string name;
  std::string schedule;  ///< Expression and time zone, as the last owner had them; long ones are cut.
  WallTime decided;      ///< Every instant up to this one was run, or noted as not run.
  bool is_paused = false;
  std::size_t waiting = 0;  ///< Instants, and wishes to run it now, that are to be run.
  std::vector<FleetRun> running;
};

/// What can be seen and asked of a fleet's jobs without being one of its nodes. Belongs to one thread at a
/// time. Errors are those of Ledger; `not_found` for a job that no node has ever owned.
class NODEPOOL_EXPORT JobControl {
 public:
  /// `unsupported` if the store keeps no ledger. Does no I/O.
  [[nodiscard]] static Result<JobControl> open(Driver& driver, const ServiceName& service);
  JobControl(JobControl&&) noexcept;
  JobControl& operator=(JobControl&&) noexcept;
  JobControl(const JobControl&) = delete;
  JobControl& operator=(const JobControl&) = delete;
  ~JobControl();

  /// Ascending by name.
  [[nodiscard]] Result<std::vector<FleetJob>> list(MonotonicTime deadline);
  [[nodiscard]] Result<FleetJob> find(const std::string& name, MonotonicTime deadline);
  /// Newest first, at most `most`.
  [[nodiscard]] Result<std::vector<HistoryEntry>> history(const std::string& name, std::size_t most,
                                                          MonotonicTime deadline);
  /// From now on no instant is run; what passes meanwhile is not missed. Runs that go on go on. Until the
  /// owner has noticed, an instant that it has decided before may still start. Idempotent.
  [[nodiscard]] Result<void> pause(const std::string& name, MonotonicTime deadline);
  [[nodiscard]] Result<void> resume(const std::string& name, WallTime now, MonotonicTime deadline);
  /// Run it once more, besides the schedule, also if it is paused; `now` stands for the instant. The owner
  /// starts it within SchedulerOptions::notice; the job's `overlap` applies. `wrong_state` if very many runs
  /// are asked for already.
  [[nodiscard]] Result<void> run_now(const std::string& name, WallTime now, MonotonicTime deadline);
  /// Forgets what the store knows of a job: for one that no node has any more. `wrong_state` if a run goes
  /// on.
  [[nodiscard]] Result<void> forget(const std::string& name, MonotonicTime deadline);

 private:
  class Impl;
  explicit JobControl(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodepool::cron
