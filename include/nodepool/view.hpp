#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/types.hpp"

namespace nodepool {

/// Which view, exactly. Two views with one epoch but different ids come from different histories.
struct ViewStamp {
  std::string lineage;  ///< Random; new whenever a store starts without any state of the pool.
  Epoch epoch;
  std::string view_id;  ///< Random; new with every view.
  bool operator==(const ViewStamp&) const = default;
  /// True if no view is known yet.
  [[nodiscard]] bool empty() const noexcept { return lineage.empty(); }
};

/// A member of the pool.
struct NodeInfo {
  NodeId id;
  NodeName name;
  unsigned weight = 1;
  std::string zone;
  std::string address;
  std::map<std::string, std::string> metadata;
  bool draining = false;  ///< Takes no new jobs: it is a member, but not on the ring.
  bool operator==(const NodeInfo&) const = default;
};

/// The membership as one node has adopted it.
struct View {
  ViewStamp stamp;
  std::vector<NodeInfo> members;  ///< Ascending by (name, id).
  bool settled = false;           ///< Every member has acknowledged it.
  bool operator==(const View&) const = default;
};

/// What a node is doing.
enum class NodeState {
  joining,    ///< Started, never steady so far.
  upgrading,  ///< Has adopted a view that is not settled: runs what is its own before and after.
  steady,     ///< Holds a lease and its view is settled.
  draining,   ///< Takes nothing new; waits for its claims, then leaves.
  suspended,  ///< Its lease ran out: runs nothing until the store answers again.
  stopped     ///< Not started, or stopped.
};
/// The state's name: "steady".
NODEPOOL_EXPORT std::string_view to_string(NodeState state) noexcept;

/// Why a node may, or may not, run a job.
enum class Reason {
  owner,            ///< Yes.
  not_owner,        ///< Another node owns it.
  settling,         ///< This node will own it as soon as every member has acknowledged the view.
  held_by_other,    ///< Owned here, but a claim of the former owner is still running.
  already_claimed,  ///< A claim of this node is still running (only from try_claim).
  invalid_job,      ///< The name cannot be claimed: empty, too long, or with control characters (only from
                    ///< try_claim).
  joining,
  draining,
  lease_lost,
  stopped
};
/// The reason's name: "held_by_other".
NODEPOOL_EXPORT std::string_view to_string(Reason reason) noexcept;

/// The answer to "may this node run this job now?"
struct Decision {
  Reason reason = Reason::stopped;
  FencingToken token;         ///< Only with a yes.
  MonotonicTime valid_until;  ///< Only with a yes: when the lease ends unless renewed before.
  [[nodiscard]] explicit operator bool() const noexcept { return reason == Reason::owner; }
};

}  // namespace nodepool
