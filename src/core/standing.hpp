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
  ArcSet owned;                   ///< What the ring gives to this node.
  bool name_shared = false;       ///< Another member has this node's name.
  MonotonicTime adopted_at;

  /// The member that stands in the placement for the owner of `job`, or nullptr.
  [[nodiscard]] const NodeInfo* owner(std::string_view job) const noexcept;
};

/// Builds the above. `before` is the view adopted until now, or null: where little has changed since, the
/// placement is changed and not built anew, which takes about 0.1 ms with 1,000 nodes; the result is the same.
/// REQUIRES: members ascending by (name, id); weights and the configuration valid (they were checked when the
/// nodes started).
NODEPOOL_EXPORT Result<AdoptedView> adopt_view(const ViewStamp& stamp, std::vector<NodeInfo> members,
                                               const NodeId& self, const PoolConfig& config,
                                               const AdoptedView* before, MonotonicTime now);

/// Everything a decision needs, as one immutable value that the node publishes and any thread reads.
struct Standing {
  NodeState state = NodeState::stopped;
  std::shared_ptr<const AdoptedView> view;  ///< Null before the first view.
  bool settled = false;
  ArcSet granted;                           ///< R7: what this node may run, while the lease holds.
  std::vector<std::string> held_by_others;  ///< Jobs out of `granted` that still run elsewhere. Ascending.
  std::shared_ptr<const LeaseTerm> lease;   ///< Null without one.
};

/// Why nothing is eligible in this state; `owner` where something may be.
NODEPOOL_EXPORT Reason reason_of(NodeState state) noexcept;

/// May the node run `job` at the instant `now`? O(log arcs); no lock, no allocation. The lease is read from
/// the standing's own term, so a yes is true at the instant the standing was read, even if the thread slept
/// in between.
NODEPOOL_EXPORT Decision decide(const Standing& standing, std::string_view job, MonotonicTime now) noexcept;

}  // namespace nodepool
