#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/driver.hpp"
#include "nodepool/job.hpp"
#include "nodepool/job_set.hpp"
#include "nodepool/log.hpp"
#include "nodepool/placement.hpp"
#include "nodepool/result.hpp"
#include "nodepool/types.hpp"
#include "nodepool/view.hpp"

namespace nodepool {

namespace detail {
class ClaimControl;
}

/// The right to run one job, for as long as this object lives and the lease holds. Move-only; released when
/// destroyed.
///
/// While a claim lives, no other node is granted the job, unless this node loses its lease: then `stop_token`
/// is used *before* the store may give the job away, and whatever the job writes after that can be told by
/// its token.
///
/// Threads: const members may be called by any, at once; the others belong to one thread at a time. Tokens
/// may be given to any. A claim may outlive
/// its pool: it is then void. Of a claim that was moved from, only destruction, assignment and `release` are
/// allowed. What a callback on a token throws ends the process (a rule of std::stop_callback).
///
///     if (auto claim = pool.try_claim("report")) {
///       write_report(claim->token(), claim->stop_token());
///     }
class NODEPOOL_EXPORT Claim {
 public:
  /// For implementations of INodePool; users get claims from `try_claim`.
  explicit Claim(std::shared_ptr<detail::ClaimControl> control) noexcept;
  Claim(Claim&&) noexcept;
  Claim& operator=(Claim&&) noexcept;
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim();

  [[nodiscard]] const std::string& job() const noexcept;
  [[nodiscard]] FencingToken token() const noexcept;
  /// When the right ends unless the lease is renewed before; moves on with every heartbeat. The past if it
  /// has ended.
  [[nodiscard]] MonotonicTime valid_until() const noexcept;
  /// True while the right lasts: one clock read.
  [[nodiscard]] bool valid() const noexcept;
  /// Stop at once: the lease is gone (or the drain's grace is over), somebody else may run the job soon.
  [[nodiscard]] std::stop_token stop_token() const noexcept;
  /// Finish when convenient: the job has moved to another node, or this node drains; somebody is waiting.
  [[nodiscard]] std::stop_token hand_over_token() const noexcept;
  /// Gives the job back. The waiting owner, if any, gets it within milliseconds. Idempotent; never throws.
  void release() noexcept;

 private:
  std::shared_ptr<detail::ClaimControl> control_;
};

/// What has happened since `start`. All counters only grow.
struct PoolStats {
  std::uint64_t syncs_ok = 0;
  std::uint64_t syncs_failed = 0;
  std::uint64_t syncs_unconfirmed = 0;  ///< Renewals that a failover of the store could undo.
  std::uint64_t hints = 0;
  std::uint64_t views_adopted = 0;
  std::uint64_t leases_lost = 0;  ///< Times this node has fenced itself.
  std::uint64_t barriers = 0;  ///< Times the store could not rule out leases from before: a first start, lost
                               ///< writes, a failover.
  std::uint64_t store_warnings = 0;
  std::uint64_t claims_made = 0;
  std::uint64_t claims_revoked = 0;    ///< Claims told to stop before they were released.
  std::uint64_t callbacks_failed = 0;  ///< Listeners or log hooks that threw.
  std::uint64_t bugs = 0;              ///< Defects of nodepool that were caught; the node fenced itself.
};

/// The interface of a pool's member: what services use and tests mock (nodepool/testing.hpp has a ready
/// fake). All members are thread-safe.
class NODEPOOL_EXPORT INodePool {
 public:
  virtual ~INodePool() = default;

  /// Joins the pool; returns when this node is steady. On an error the node has left again and may be started
  /// once more. Errors: `invalid_argument` (all faults of the options together), `timed_out` (says what it
  /// was waiting for), `cancelled`, `config_mismatch`, `permission_denied`, `store_corrupt`, `unsupported`,
  /// `wrong_state` (already started).
  [[nodiscard]] virtual Result<void> start(std::chrono::milliseconds timeout = std::chrono::seconds(30),
                                           std::stop_token cancel = {}) = 0;
  /// Drains and leaves: takes nothing new at once, waits at most `drain_grace` for the claims, then tells
  /// them to stop. If a claim ignores that, the node goes without a good-bye, and the store keeps its jobs
  /// back until the lease is over. Bounded by the grace plus three store time-outs (a call under way, the
  /// claims' last chance, the good-bye). Nothing is eligible from the call on. Ends a `start` that is
  /// waiting. Idempotent.
  virtual void stop() = 0;

  /// May this node run the job at this instant? Local: no lock, no allocation, no I/O. False before `start`,
  /// after `stop`, and without a lease. A job that runs longer than an instant should be claimed.
  /// Linear in the name, whose hash and one clock read are nearly all of it, whatever the pool's size.
  [[nodiscard]] virtual bool is_eligible(std::string_view job) const noexcept = 0;
  /// The same with the reason of a no.
  [[nodiscard]] virtual Decision decide(std::string_view job) const noexcept = 0;
  /// Takes the job if this node may run it and no claim of it is running here; `why` (if given) receives the
  /// decision.
  [[nodiscard]] virtual std::optional<Claim> try_claim(std::string_view job, Decision* why = nullptr) = 0;

  // The same for a job whose hash is known: a decision is little more than a clock read, and does not depend
  // on the name's length. Who implements this interface need not: by default the name is asked for.
  [[nodiscard]] virtual bool is_eligible(const Job& job) const noexcept { return is_eligible(job.name()); }
  [[nodiscard]] virtual Decision decide(const Job& job) const noexcept { return decide(job.name()); }
  [[nodiscard]] virtual std::optional<Claim> try_claim(const Job& job, Decision* why = nullptr) {
    return try_claim(job.name(), why);
  }

  /// Which of these jobs are eligible now, as indices into the set, ascending. NodePool answers from one
  /// standing and one clock read: each of the jobs was eligible at the same instant, during the call. A
  /// longer loop over them asks again, or claims. By default the jobs are asked for one by one.
  /// Local; allocates the result. NodePool: O(arcs + result), whatever the size of the set.
  [[nodiscard]] virtual std::vector<std::size_t> eligible_jobs(const JobSet& jobs) const {
    std::vector<std::size_t> eligible;
    for (std::size_t job = 0; job < jobs.size(); ++job) {
      if (is_eligible(jobs.name(job))) eligible.push_back(job);
    }
    return eligible;
  }
  /// Waits until the job is eligible here. Errors: `timed_out`, `cancelled`, `wrong_state` (stopped
  /// meanwhile).
  [[nodiscard]] virtual Result<void> wait_until_eligible(std::string_view job, MonotonicTime deadline,
                                                         std::stop_token cancel = {}) = 0;

  /// Waits until decisions may have become others than when `seen` was returned, at most to the deadline, or
  /// until `cancel` is used; returns a number for the next call. The first call, with 0, returns at once. Who
  /// keeps books about many jobs asks `eligible_jobs` after each return. What ends a lease is no change: it
  /// comes with time. By default, for who implements this interface, it returns every 10 ms.
  [[nodiscard]] virtual std::uint64_t wait_for_change(std::uint64_t seen, MonotonicTime deadline,
                                                      std::stop_token cancel = {});

  /// The member that owns the job in the adopted view (go-dispatch: GetHost); none if no view is adopted or
  /// no member is active.
  [[nodiscard]] virtual std::optional<NodeInfo> owner(std::string_view job) const = 0;
  /// The members of the adopted view (go-dispatch: GetNodes).
  [[nodiscard]] virtual std::vector<NodeInfo> nodes() const = 0;
  [[nodiscard]] virtual View view() const = 0;
  [[nodiscard]] virtual NodeState state() const noexcept = 0;
  /// This life's id; empty before `start`.
  [[nodiscard]] virtual NodeId node_id() const = 0;
  [[nodiscard]] virtual NodeName node_name() const = 0;
  /// When this node adopted its present view; the clock's epoch if never.
  [[nodiscard]] virtual MonotonicTime last_view_change() const noexcept = 0;
  [[nodiscard]] virtual PoolStats stats() const noexcept = 0;
};

/// How a node takes part. Checked by `start`, all faults reported together.
struct PoolOptions {
  /// Between two heartbeats; 10 ms to 1 h. Smaller: more load on the store. Part of the pool's configuration.
  std::chrono::milliseconds heartbeat{1000};
  /// How long a silent node keeps its jobs; at least 3 heartbeats. Smaller: a short stall of the store stops
  /// every job; greater: a crashed node's jobs wait longer. Part of the pool's configuration.
  std::chrono::milliseconds lease{4000};
  /// By which rule jobs are placed on nodes (docs/placement.md). Part of the pool's configuration.
  PlacementKind placement = PlacementKind::ring;
  /// Points per unit of weight on the ring; 1 to 10,000. More: better balance, more memory and work at each
  /// change. Part of the pool's configuration if the placement is the ring; otherwise without effect.
  unsigned points = 50;
  /// This node's share relative to others; 1 to 100.
  unsigned weight = 1;
  /// The name hashed on the ring. Empty: host name and random digits. A fixed name gets the same jobs after a
  /// restart; two live nodes with one name share one place on the ring, and one of them stands idle.
  std::string name;
  std::string zone;     ///< For people and for placement; at most 200 bytes.
  std::string address;  ///< Where the node's own service is reached; at most 200 bytes.
  std::map<std::string, std::string> metadata;  ///< At most 32 entries and 2,048 bytes in all.
  /// How long `stop` and a drain wait for running claims; 0 to 24 h.
  std::chrono::milliseconds drain_grace{10'000};
  /// The most one call to the store may take; 10 ms to the lease. 0: one heartbeat (at least 100 ms).
  std::chrono::milliseconds store_timeout{0};
  /// By how much clock rates of two machines may differ; 0 to 0.1. Smaller than the truth: two owners are
  /// possible.
  double max_clock_drift = 0.01;
  /// Called on the pool's thread; must not block; what they throw is caught and counted. `stop` must not be
  /// called from them.
  std::function<void(NodeState state, const View& view)> on_state_change;
  std::function<void(const View& view)> on_view_change;
  Logger logger;
};

/// Checks the options; one `invalid_argument` names all faults.
NODEPOOL_EXPORT Result<void> validate(const PoolOptions& options);

/// A member of a pool: one thread that keeps a lease alive, and decisions that any thread can ask for.
///
/// Promises (docs/protocol.md): at most one node of a pool answers yes for a job at any instant; a job whose
/// owner stays does not pause when the membership changes; without a lease nothing is eligible. Not promised:
/// anything about a job that ignores its stop token beyond its lease (that is what the fencing token is for).
///
/// Life cycle: construct, `start`, use from any thread, `stop` (the destructor stops too, without the grace
/// for claims). Any number per process. Not usable in the child after fork(): the child has no lease and
/// answers no. Destroy before main() returns; a static pool is stopped by its destructor, after which log
/// hooks must still be callable.
///
///     auto driver = nodepool::open_redis("redis://127.0.0.1").value();
///     nodepool::NodePool pool("myService", driver, 10s, 50);
///     if (auto started = pool.start(); !started) return fail(started.error().message);
///     if (pool.is_eligible("job1")) run_job1();
///     pool.stop();
class NODEPOOL_EXPORT NodePool final : public INodePool {
 public:
  NodePool(ServiceName service, std::shared_ptr<Driver> driver, PoolOptions options = {});
  /// As go-dispatch's NewNodePool: `update_period` is how long a silent node stays in the pool, so it becomes
  /// the lease; heartbeats are sent every quarter of it.
  NodePool(std::string_view service, std::shared_ptr<Driver> driver, std::chrono::milliseconds update_period,
           unsigned points = 50, Logger logger = {});
  ~NodePool() override;
  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;

  [[nodiscard]] Result<void> start(std::chrono::milliseconds timeout = std::chrono::seconds(30),
                                   std::stop_token cancel = {}) override;
  void stop() override;
  [[nodiscard]] bool is_eligible(std::string_view job) const noexcept override;
  [[nodiscard]] bool is_eligible(const Job& job) const noexcept override;
  [[nodiscard]] Decision decide(std::string_view job) const noexcept override;
  [[nodiscard]] Decision decide(const Job& job) const noexcept override;
  [[nodiscard]] std::optional<Claim> try_claim(std::string_view job, Decision* why = nullptr) override;
  [[nodiscard]] std::optional<Claim> try_claim(const Job& job, Decision* why = nullptr) override;
  [[nodiscard]] std::vector<std::size_t> eligible_jobs(const JobSet& jobs) const override;
  [[nodiscard]] Result<void> wait_until_eligible(std::string_view job, MonotonicTime deadline,
                                                 std::stop_token cancel = {}) override;
  [[nodiscard]] std::uint64_t wait_for_change(std::uint64_t seen, MonotonicTime deadline,
                                              std::stop_token cancel = {}) override;
  [[nodiscard]] std::optional<NodeInfo> owner(std::string_view job) const override;
  [[nodiscard]] std::vector<NodeInfo> nodes() const override;
  [[nodiscard]] View view() const override;
  [[nodiscard]] NodeState state() const noexcept override;
  [[nodiscard]] NodeId node_id() const override;
  [[nodiscard]] NodeName node_name() const override;
  [[nodiscard]] MonotonicTime last_view_change() const noexcept override;
  [[nodiscard]] PoolStats stats() const noexcept override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace nodepool
