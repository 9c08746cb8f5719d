#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/claims.hpp"
#include "core/standing.hpp"
#include "nodepool/driver.hpp"
#include "nodepool/export.hpp"

namespace nodepool {

/// How one node behaves; checked by `validate(PoolOptions)` before.
struct NodeSettings {
  PoolConfig config;
  std::chrono::milliseconds drain_grace{10'000};
  std::chrono::milliseconds store_timeout{1000};
  double max_clock_drift = 0.01;
  std::uint64_t jitter_seed = 0;
};

/// Something the shell has to do or to tell. The node decides; it never acts.
struct NodeEvent {
  enum class Kind {
    state_changed,  ///< The standing's state is another one.
    view_adopted,   ///< A newer view: claims of jobs that have moved are to be asked to hand over.
    lease_gained,
    lease_lost,            ///< Fenced: every claim is to be told to stop.
    grace_over,            ///< The drain took too long: every claim is to be told to stop.
    draining,              ///< Nothing new from now on: every claim is to be asked to hand over.
    sync_failed,           ///< `error` says why; the node tries again by itself.
    reply_too_late,        ///< A reply came after the lease it would have given.
    behind_barrier,        ///< The store cannot rule out leases from before; `wait` is left.
    store_warns,           ///< `warning` is what people should know of the store.
    name_shared,           ///< Another live member has this node's name: one of them stands idle.
    configuration_refused  ///< As sync_failed, but trying again cannot help while the pool is as it is.
  };
  Kind kind = Kind::state_changed;
  std::optional<Error> error = std::nullopt;
  std::string warning = {};
  std::chrono::microseconds wait{0};
  NodeState state = NodeState::joining;  ///< Of state_changed.
};

/// The node's side of the view protocol: a machine without clock, thread or socket. The shell feeds it what
/// happens, does what it asks for, and publishes its standing. The rules' names are those of
/// docs/protocol.md. Belongs to one thread.
///
///     node.advance(now, ledger);
///     publish(node.standing());
///     if (auto request = node.next_request(now, ledger)) { ... node.on_reply(reply, now) or
///     node.on_failure(error, now) ... } wait until node.next_wakeup() or a hint
class NODEPOOL_EXPORT Node {
 public:
  /// `self.id` must be new and unique: requests are numbered under it, and views are named after it.
  Node(NodeSettings settings, NodeInfo self);

  /// What the passing of time brings: the lease runs out, a drain ends. REQUIRES: as `next_request`.
  void advance(MonotonicTime now, const ClaimLedger& ledger);
  /// The sync to send now, if one is due and none is under way. REQUIRES: the present standing has been
  /// published, so that every claim made under an older one is in the ledger.
  [[nodiscard]] std::optional<SyncRequest> next_request(MonotonicTime now, const ClaimLedger& ledger);
  /// The answer to the sync under way.
  void on_reply(const SyncReply& reply, MonotonicTime now);
  /// The sync under way failed, or its fate is unknown.
  void on_failure(const Error& error, MonotonicTime now);
  /// A hint with its detail is acted on (a view at the next `advance`); otherwise a sync is due.
  void on_hint(const Hint& hint, MonotonicTime now);
  /// A claim that held up another node was released: the store should know at once.
  void on_release();
  /// Takes nothing new from now on, waits for the claims, leaves.
  void drain(MonotonicTime now);
  /// As `drain`, but with no patience for claims.
  void leave(MonotonicTime now);

  /// When `advance` and `next_request` are worth calling again, if nothing else happens before; the clock's
  /// epoch means now.
  [[nodiscard]] MonotonicTime next_wakeup() const;
  [[nodiscard]] const std::shared_ptr<const Standing>& standing() const noexcept { return standing_; }
  /// True once the node has left, or given up leaving: the machine is at its end.
  [[nodiscard]] bool finished() const noexcept { return phase_ == Phase::finished; }
  /// The latest moment at which the sync under way may still be of use.
  [[nodiscard]] MonotonicTime call_deadline(MonotonicTime now) const;
  [[nodiscard]] std::vector<NodeEvent> take_events();

 private:
  enum class Phase {
    active,
    draining,  ///< Renews, takes nothing new, waits for claims.
    overdue,   ///< The grace is over: does not renew any more, gives claims one store time-out to stop.
    leaving,   ///< Nothing runs here: says good-bye.
    finished
  };

  void lose_lease(MonotonicTime now);
  void renew_lease(MonotonicTime end);
  void pass_on(const std::vector<std::string>& warnings);
  Result<void> learn_view(const SyncReply& reply, MonotonicTime now);
  bool learn_from(const Hint& hint, MonotonicTime now);
  void adopt_heard(MonotonicTime now);
  Result<void> adopt(const ViewStamp& stamp, std::vector<NodeInfo> members, MonotonicTime now);
  void settle(std::vector<std::string> held);
  void plan_next_sync(MonotonicTime sent_at, const SyncReply& reply, MonotonicTime now);
  void advance_drain(MonotonicTime now, const ClaimLedger& ledger);
  void begin_leaving(MonotonicTime now);
  void finish();
  void retry_later(MonotonicTime now);
  /// Publishes a changed standing (a copy: readers may hold the old one) with the state that follows from
  /// everything.
  template <class Change>
  void change_standing(Change change);
  [[nodiscard]] NodeState present_state(const Standing& standing) const noexcept;
  [[nodiscard]] std::chrono::nanoseconds lease_given(const SyncReply& reply) const;
  [[nodiscard]] double jitter(double least, double most);
  void emit(NodeEvent::Kind kind) { events_.push_back({.kind = kind}); }

  NodeSettings settings_;
  NodeInfo self_;
  Phase phase_ = Phase::active;
  std::shared_ptr<LeaseTerm> lease_;  ///< Null without a lease; the same object as in the standing.
  bool was_steady_ = false;
  bool suspended_ = false;  ///< Had a lease, lost it, and has not got another.
  std::shared_ptr<const Standing> standing_;
  std::uint64_t sequence_ = 0;
  std::optional<MonotonicTime> sent_at_;  ///< Of the sync under way.
  bool saying_good_bye_ = false;          ///< The sync under way, or the last one, is the good-bye.
  bool due_ = true;                       ///< A sync is to be sent at once.
  MonotonicTime next_sync_;               ///< The next heartbeat, look or retry.
  unsigned failures_ = 0;                 ///< In a row.
  std::vector<std::string> warnings_;     ///< Of the last reply.
  bool asks_for_all_ = false;             ///< The next request asks for all members.
  std::vector<ViewChange> heard_;         ///< From hints, each applies to what the one before led to.
  ViewStamp heard_view_;                  ///< What all of them lead to.
  MonotonicTime phase_deadline_;          ///< Of draining and leaving.
  std::uint64_t random_;
  std::vector<NodeEvent> events_;
};

}  // namespace nodepool
