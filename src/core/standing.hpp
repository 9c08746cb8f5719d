#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/driver.hpp"
#include "nodepool/export.hpp"
#include "nodepool/placement.hpp"
#include "nodepool/ring.hpp"
#include "nodepool/view.hpp"
#include "ring/arc_filter.hpp"

namespace nodepool {

/// One unbroken stretch of holding the lease. Only the node moves its end; any thread reads it. Once over it
/// is over: a new stretch is a new object, so that whoever still looks at an old standing can never take the
/// new lease for the old.
class LeaseTerm {
 public:
  explicit LeaseTerm(MonotonicTime end) noexcept : end_(end.time_since_epoch().count()) {}
  [[nodiscard]] MonotonicTime end() const noexcept {
    return MonotonicTime(BootClock::duration(end_.load(std::memory_order_acquire)));
  }
  void extend(MonotonicTime end) noexcept {
    end_.store(std::max(end, this->end()).time_since_epoch().count(), std::memory_order_release);
  }
  void finish() noexcept {
    end_.store(MonotonicTime::min().time_since_epoch().count(), std::memory_order_release);
  }

 private:
  std::atomic<BootClock::rep> end_;
};

/// A view as this node has adopted it, with everything that is computed from it once. Immutable.
struct NODEPOOL_EXPORT AdoptedView {
  ViewStamp stamp;
  std::vector<NodeInfo> members;  ///< Ascending by (name, id).
  Placement placement;            ///< Of the members that do not drain, one place for each name.
  ArcFilter owned;                ///< What the ring gives to this node.
  bool name_shared = false;       ///< Another member has this node's name.
  MonotonicTime adopted_at;

  /// The member that stands in the placement for the owner of `job`, or nullptr.
  [[nodiscard]] const NodeInfo* owner(std::string_view job) const noexcept;
};

/// Builds the above. `before` is the view adopted until now, or null: where little has changed since, the
/// placement is changed and not built anew, which takes about 0.1 ms with 1,000 nodes; the result is the
/// same. REQUIRES: members ascending by (name, id); weights and the configuration valid (they were checked
/// when the nodes started).
NODEPOOL_EXPORT Result<AdoptedView> adopt_view(const ViewStamp& stamp, std::vector<NodeInfo> members,
                                               const NodeId& self, const PoolConfig& config,
                                               const AdoptedView* before, MonotonicTime now);

/// Everything a decision needs, as one immutable value that the node publishes and any thread reads. It has
/// its cache lines for itself: counts of its owners, which many threads may write, are not among what they
/// read.
struct alignas(64) Standing {
  NodeState state = NodeState::stopped;
  std::shared_ptr<const AdoptedView> view;  ///< Null before the first view.
  bool settled = false;
  ArcFilter granted;                        ///< R7: what this node may run, while the lease holds.
  std::vector<std::string> held_by_others;  ///< Jobs out of `granted` that still run elsewhere. Ascending.
  std::shared_ptr<const LeaseTerm> lease;   ///< Null without one; never null while `granted` has anything.
};

/// A job as decisions see it. REQUIRES: `hash` is `hash_key(name)`.
struct JobKey {
  std::string_view name;
  std::uint64_t hash = 0;
};

/// Why nothing is eligible in this state; `owner` where something may be.
NODEPOOL_EXPORT Reason reason_of(NodeState state) noexcept;

/// Whether another node still runs the job. O(log held).
NODEPOOL_EXPORT bool is_held_by_other(const Standing& standing, std::string_view job) noexcept;
/// The reason of a no for a job that is not granted.
NODEPOOL_EXPORT Reason refusal(const Standing& standing, std::uint64_t hash) noexcept;

/// May the node run `job` now? O(1) nearly always; no lock, no allocation. `clock` is called only if all but
/// the lease says yes. What is read, in this order, and why:
/// 1. the standing: a yes is true at that instant, even if the thread sleeps from here on;
/// 2. the clock: a process that was frozen until here learns that its lease is over;
/// 3. the end of the standing's own term, which is never revived: who slept until here while the node left
///    learns of that, and cannot take a new lease for the old.
template <class Clock>
[[nodiscard]] bool may_run(const Standing& standing, const JobKey& job, Clock clock) noexcept {
  if (!standing.granted.contains(job.hash)) return false;
  if (!standing.held_by_others.empty() && is_held_by_other(standing, job.name)) return false;
  const MonotonicTime now = clock();
  return now < standing.lease->end();
}

/// The same with the reason of a no, and with what belongs to a yes.
template <class Clock>
[[nodiscard]] Decision decide(const Standing& standing, const JobKey& job, Clock clock) noexcept {
  if (!standing.granted.contains(job.hash)) return {refusal(standing, job.hash), {}, {}};
  if (!standing.held_by_others.empty() && is_held_by_other(standing, job.name)) {
    return {Reason::held_by_other, {}, {}};
  }
  const MonotonicTime now = clock();
  const MonotonicTime end = standing.lease->end();
  if (now >= end) return {Reason::lease_lost, {}, {}};
  return {Reason::owner, {standing.view->stamp.epoch.value}, end};
}

/// The same at the instant `now`.
NODEPOOL_EXPORT Decision decide(const Standing& standing, std::string_view job, MonotonicTime now) noexcept;

}  // namespace nodepool
