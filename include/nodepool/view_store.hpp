#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/driver.hpp"

/// The store's side of the view protocol as a pure function on a state. A driver for a store with
/// transactions needs only this: load the state, call `apply_sync`, save the state, publish the hints, all in
/// one transaction.

namespace nodepool {

/// What the store remembers of a member.
struct MemberState {
  NodeInfo info;
  std::chrono::microseconds lease_until{0};  ///< On the pool's clock.
  std::uint64_t sequence = 0;                ///< Of the newest request seen.
  bool acknowledged = false;                 ///< Has adopted exactly the present view.
  bool drain_requested = false;
  std::vector<std::string> held;  ///< Ascending.
  bool operator==(const MemberState&) const = default;
};

/// A newcomer that will be admitted with the next view.
struct WaitingNode {
  NodeInfo info;
  std::chrono::microseconds lease_until{0};  ///< On the pool's clock: who does not ask again is not admitted.
  std::uint64_t sequence = 0;
  bool operator==(const WaitingNode&) const = default;
};

/// How a view came from the one before it.
struct ViewStep {
  std::string view_id;
  ViewChange change;
  bool operator==(const ViewStep&) const = default;
};

/// Everything a store keeps of one pool.
struct PoolState {
  PoolConfig config;
  ViewStamp view;
  std::string run_id;                          ///< The server's, as the last caller saw it.
  std::chrono::microseconds clock{0};          ///< The pool's clock: leases are counted on it.
  std::chrono::microseconds last_time{0};      ///< The server's time at the last sync.
  std::chrono::microseconds barrier_until{0};  ///< On the pool's clock; nothing settles before.
  std::chrono::microseconds view_since{0};     ///< On the pool's clock: when the present view was made.
  bool settled = false;                        ///< The present view has been announced as settled.
  std::map<NodeId, MemberState> members;
  std::map<NodeId, WaitingNode> waiting;
  std::vector<ViewStep> steps;  ///< Newest first, without a gap; the oldest are forgotten.
  bool operator==(const PoolState&) const = default;
};

/// A pool of so many members admits newcomers in batches.
inline constexpr std::size_t kBatchesFrom = 16;
/// So many steps from view to view are remembered; who is further behind gets all members.
inline constexpr std::size_t kMaxSteps = 64;
/// A longer step is neither remembered nor told in a hint. Counted as text: a line for each node.
inline constexpr std::size_t kMaxStepBytes = 65'536;
/// More held jobs are not told in a hint.
inline constexpr std::size_t kMaxHintJobs = 64;

/// What the store knows at the instant of a call.
struct StoreNow {
  std::chrono::microseconds time{0};       ///< The server's clock; any origin. May be stepped.
  std::chrono::milliseconds unix_time{0};  ///< Civil time: every new epoch is greater.
  std::string run_id;  ///< Changes when the server may have lost writes: at each of its starts.
  /// True only if no lease can exist from before (the store itself proves it): a fresh pool then needs no
  /// barrier.
  bool proven_fresh = false;
  /// From so many members on, newcomers are admitted in batches (R4).
  std::size_t batches_from = kBatchesFrom;
};

/// What `apply_sync` did.
struct SyncOutcome {
  SyncReply reply;
  std::vector<Hint> publish;  ///< To be told to all sessions of the pool once the state is saved.
};

/// Rules R1 to R6 of docs/protocol.md. `state` is empty where the store has none of the pool; it is left as
/// it was on an error. Errors: `config_mismatch` (the pool has members with another configuration),
/// `outcome_unknown` (a request older than one already seen: a late duplicate). O(members) for the lease
/// sweep. Pure: no clock, no randomness, no I/O.
NODEPOOL_EXPORT Result<SyncOutcome> apply_sync(std::optional<PoolState>& state, const SyncRequest& request,
                                               const StoreNow& now);
/// The state as an observer sees it. O(members).
NODEPOOL_EXPORT PoolStatus status_of(const PoolState& state);
/// Marks the member as asked to drain; `not_found` if it is none. Returns the hint to publish.
NODEPOOL_EXPORT Result<Hint> apply_drain_request(PoolState& state, const NodeId& node);

/// The text of a state, for stores that keep it as one value. `decode_state(encode_state(s)) == s`.
NODEPOOL_EXPORT std::string encode_state(const PoolState& state);
/// `store_corrupt` if the text is no state; never throws.
NODEPOOL_EXPORT Result<PoolState> decode_state(std::string_view text);
/// The text of a member's record, one line of JSON; equal infos give equal texts.
NODEPOOL_EXPORT std::string encode_node(const NodeInfo& node);
/// `store_corrupt` if the text is no record; never throws.
NODEPOOL_EXPORT Result<NodeInfo> decode_node(std::string_view text);

}  // namespace nodepool
