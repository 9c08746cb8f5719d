#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/doctor.hpp"
#include "nodepool/ledger.hpp"
#include "nodepool/result.hpp"
#include "nodepool/types.hpp"
#include "nodepool/view.hpp"

namespace nodepool {

/// What all members of a pool must agree on. It lives in the store beside the view; a node that comes with
/// another one is refused.
struct PoolConfig {
  unsigned protocol = 1;
  std::string hash = "xxh64-ring";  ///< The rule of placement: a PlacementKind's name.
  unsigned points = 50;             ///< Per unit of weight on the ring; 0 for a rule without points.
  std::chrono::milliseconds heartbeat{1000};
  std::chrono::milliseconds lease{4000};
  bool operator==(const PoolConfig&) const = default;
};

/// How far the pool's clock may advance between two syncs: 1.25 heartbeats. A step of the server's clock
/// cannot shorten a lease by more than this.
NODEPOOL_EXPORT std::chrono::microseconds clock_step_cap(const PoolConfig& config) noexcept;
/// "protocol=1 hash=xxh64-ring points=50 heartbeat_ms=1000 lease_ms=4000": stored and compared as this text.
NODEPOOL_EXPORT std::string to_string(const PoolConfig& config);
/// The inverse of to_string; `store_corrupt` if the text is anything else.
NODEPOOL_EXPORT Result<PoolConfig> parse_pool_config(std::string_view text);

/// What the calling node wants to be.
enum class Intent { active, draining, leaving };

/// One heartbeat: everything that the store learns from a node.
struct SyncRequest {
  PoolConfig config;
  NodeInfo node;  ///< `node.draining` is true exactly if `intent` is draining.
  Intent intent = Intent::active;
  ViewStamp known;                ///< The view this node has adopted; empty if none. Acknowledges it.
  std::vector<std::string> held;  ///< Claims still running for jobs that `known` gives to others. Ascending.
  std::uint64_t sequence =
      0;              ///< Grows with each request of this node: a late request cannot undo a newer one.
  std::string nonce;  ///< Fresh and random: the view's id if this request makes a new view.
};

/// A claim that a member still runs for a job it no longer owns.
struct Hold {
  NodeId node;
  std::string job;
  auto operator<=>(const Hold&) const = default;
};

/// What has changed among the members from one view to a later one.
struct ViewChange {
  ViewStamp base;                 ///< The view to which this applies.
  std::vector<NodeId> gone;       ///< Ascending.
  std::vector<NodeInfo> present;  ///< Joined, or with another record than in `base`. Ascending by (name, id).
  bool operator==(const ViewChange&) const = default;
};

/// The store's answer to a heartbeat.
struct SyncReply {
  ViewStamp view;
  /// The members, ascending by (name, id); absent if `view` is the one the caller knows, or `change` is
  /// there.
  std::optional<std::vector<NodeInfo>> members;
  /// In place of `members`: how to get from the view that the caller knows to `view`.
  std::optional<ViewChange> change;
  /// The caller is not a member yet: newcomers are admitted together (R4). No lease, no members.
  bool waiting = false;
  bool settled = false;
  std::vector<Hold> holds_of_others;  ///< Ascending.
  /// When to look again, if before the next heartbeat: the next lease of another member to run out, or the
  /// end of the barrier.
  std::optional<std::chrono::microseconds> look_again_in;
  /// Left of the barrier: the store cannot rule out leases from before. Zero if there is none.
  std::chrono::microseconds barrier_left{0};
  std::chrono::microseconds pool_clock{0};
  bool drain_requested = false;  ///< Somebody asked this node to drain.
  /// What this reply is worth, counted from before the request was sent, if the store counts leases by rules
  /// of its own; absent: the configuration's lease on the pool's clock.
  std::optional<std::chrono::microseconds> lease;
  /// A failover of the store could undo this renewal: it replicates, and was not asked to confirm.
  bool unconfirmed = false;
  /// What people should know of the store, one sentence each; told once for as long as it is repeated.
  std::vector<std::string> warnings;
  bool operator==(const SyncReply&) const = default;
};

/// What has happened in the pool. A hint may come late, twice, in another order or never; it renews no lease
/// and acknowledges nothing. What its detail says is true whenever it is heard.
struct Hint {
  enum class Kind {
    view,     ///< A new view.
    settled,  ///< The view is settled.
    release,  ///< A hold is gone.
    drain,    ///< A node was asked to drain.
    unknown   ///< Something; or hints may have been missed.
  };
  /// What spares the hearer a question.
  struct Detail {
    ViewStamp view;                 ///< Exactly which view is meant.
    ViewChange change;              ///< Of `view`: from the view before it.
    std::vector<std::string> held;  ///< Of `settled` and `release`: all jobs that are held. Ascending.
    bool operator==(const Detail&) const = default;
  };
  Kind kind = Kind::unknown;
  Epoch epoch;                   ///< Of the view meant; 0 if unknown.
  std::optional<Detail> detail;  ///< Absent where it would be long, or the store tells none: ask.
  bool operator==(const Hint&) const = default;
};

/// The pool as an observer sees it.
struct MemberStatus {
  NodeInfo info;
  std::chrono::microseconds lease_left{
      0};  ///< On the pool's clock at the last sync of anybody; may be negative.
  bool acknowledged = false;
  bool drain_requested = false;
  std::vector<std::string> held;
};
struct PoolStatus {
  PoolConfig config;
  ViewStamp view;
  bool settled = false;
  std::chrono::microseconds barrier_left{0};
  std::vector<MemberStatus> members;  ///< Ascending by (name, id).
};

/// What a driver's store can do. The pool's promises shrink with it.
struct Capabilities {
  /// Knows whether every member has adopted the view. Without, `settled` is the driver's best judgement.
  bool acknowledges = true;
  /// Knows which jobs still run on a former owner. Without, nobody waits for a claim whose job moves: the
  /// pool tells it to stop.
  bool holds = true;
  bool hints = true;  ///< Tells of changes before the next heartbeat.
};

/// A pool's line to the store. Belongs to one thread at a time.
class Session {
 public:
  virtual ~Session() = default;

  /// The name under which this session's node stands on the ring, if the store gives it one; none: the pool's
  /// own choice (PoolOptions::name).
  [[nodiscard]] virtual std::optional<NodeName> node_name() const { return std::nullopt; }

  /// One atomic heartbeat, as specified by `apply_sync` (view_store.hpp). Returns by `deadline` (a little
  /// later at worst). Errors: `unavailable` and `outcome_unknown` are worth another try; `config_mismatch`,
  /// `permission_denied`, `store_corrupt` and `unsupported` are not.
  [[nodiscard]] virtual Result<SyncReply> sync(const SyncRequest& request, MonotonicTime deadline) = 0;

  /// The pool's present state, without joining. `not_found` if the store knows no such service.
  [[nodiscard]] virtual Result<PoolStatus> status(MonotonicTime deadline) = 0;

  /// Asks a member to drain. `not_found` if it is no member.
  [[nodiscard]] virtual Result<void> request_drain(const NodeId& node, MonotonicTime deadline) = 0;

  /// What is good and what is not about the store, as far as its driver can tell; by default nothing.
  [[nodiscard]] virtual std::vector<Finding> examine(MonotonicTime deadline) {
    (void)deadline;
    return {};
  }

  /// Waits until a hint has come, `wake_fd` is readable, or `until` has passed, whichever is first; returns
  /// the hints that have come (none: a wake-up or the time). Never busy. `wake_fd` -1: none. The caller
  /// empties `wake_fd`.
  [[nodiscard]] virtual std::vector<Hint> wait(MonotonicTime until, int wake_fd) = 0;
};

/// A store, as pools use it. Thread-safe; shared by any number of pools.
class Driver {
 public:
  virtual ~Driver() = default;
  /// For people: "redis://10.0.0.1:6379/0". Never has a password.
  [[nodiscard]] virtual std::string describe() const = 0;
  [[nodiscard]] virtual Capabilities capabilities() const noexcept = 0;
  /// A new line to the store, for one pool. Does no I/O: what is wrong with the store is told by the first
  /// call.
  [[nodiscard]] virtual std::unique_ptr<Session> open(const ServiceName& service) = 0;
  /// A new line to the service's ledger; null if the store keeps none. Does no I/O. The service needs no
  /// pool.
  [[nodiscard]] virtual std::unique_ptr<Ledger> open_ledger(const ServiceName& service) {
    (void)service;
    return nullptr;
  }
};

}  // namespace nodepool
