#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/pool.hpp"

namespace nodepool {

/// A ready fake of INodePool for tests of code that uses a pool: no store, no thread, no time of its own.
/// What it answers is what the test has said; nothing changes by itself.
///
/// It promises what a pool promises to its user: nothing is eligible unless started, a job has one claim at a
/// time, a claim's tokens fire in the right order, fencing tokens grow. It does not talk to other fakes: that
/// two of them never own one job is the test's affair (for several real nodes in one process, use NodePool on
/// `open_memory()`).
///
/// Threads: all members are thread-safe, those of the test's side too. No lock is held while a predicate, or
/// a stop callback of a claim, runs. Life cycle: as NodePool; `start` and `stop` never wait. Claims may
/// outlive it. Complexity: O(log jobs) for a decision.
///
///     nodepool::FakeNodePool pool;
///     pool.grant("report");
///     EXPECT_TRUE(pool.start().has_value());
///     ReportService service(pool);  // takes an INodePool&
///     service.tick();
///     pool.ask_to_hand_over("report");  // does the service finish, and release?
///     EXPECT_FALSE(pool.is_claimed("report"));
class NODEPOOL_EXPORT FakeNodePool final : public INodePool {
 public:
  /// A stopped pool whose only member is itself, and to which no job is granted.
  explicit FakeNodePool(NodeName name = NodeName("fake"));
  /// Every claim is told to stop, as when a pool is destroyed.
  ~FakeNodePool() override;
  FakeNodePool(const FakeNodePool&) = delete;
  FakeNodePool& operator=(const FakeNodePool&) = delete;

  // ---- the test's side: what the pool is to answer

  /// From now on the job is eligible here, whenever the pool is started and has its lease. Wakes
  /// `wait_until_eligible`. The epoch grows: a claim made after this has a greater token than any before.
  void grant(std::string_view job);
  /// From now on the job is another node's, for this reason. A running claim of it is asked to hand over, as
  /// when a job moves; it stays valid. REQUIRES: the reason is not `owner`.
  void revoke(std::string_view job, Reason reason = Reason::not_owner);
  /// Decides jobs that were neither granted nor revoked by name; an empty function means no (the default).
  /// It may be called from any thread; if it throws, the answer is no.
  void grant_if(std::function<bool(std::string_view job)> predicate);

  /// As when the store falls silent: every claim is told to stop, nothing is eligible, the state is
  /// suspended.
  void lose_lease();
  /// The store answers again: what is granted is eligible, under a greater epoch. Old claims stay void. No
  /// effect unless the lease was lost.
  void regain_lease();
  /// Fires the hand-over token of the job's claim and nothing else; false if there is none.
  bool ask_to_hand_over(std::string_view job);
  /// Fires the stop token (and then the hand-over token) of the job's claim: it is not valid any more, but
  /// stays entered until it is released. False if there is none.
  bool tell_to_stop(std::string_view job);

  /// What the next calls of `start` return, in this order; after the last one, success. A start that fails
  /// leaves the pool stopped.
  void script_start(std::vector<Result<void>> results);
  /// The members that `nodes` and `view` show besides this node, and the owner that `owner` names for jobs
  /// that are not granted here (the first of them). A new view: the epoch grows.
  void set_other_members(std::vector<NodeInfo> members);
  /// Shows this state (and decides accordingly: only upgrading and steady say yes) until the next `start`,
  /// `stop`, `lose_lease` or `regain_lease`.
  void set_state(NodeState state);

  // ---- what the test may ask

  /// Whether a claim of the job has been made and not been released.
  [[nodiscard]] bool is_claimed(std::string_view job) const;
  /// The jobs for which that is so, ascending.
  [[nodiscard]] std::vector<std::string> claimed_jobs() const;
  /// How often `start` was called with whatever result, and how often `stop`.
  [[nodiscard]] int starts() const;
  [[nodiscard]] int stops() const;

  // ---- INodePool

  /// The next scripted result, at once. `cancelled` if `cancel` was used; `wrong_state` if started already.
  [[nodiscard]] Result<void> start(std::chrono::milliseconds timeout = std::chrono::seconds(30),
                                   std::stop_token cancel = {}) override;
  /// Asks every claim to hand over, then tells those that are left to stop; waits for nothing.
  void stop() override;
  [[nodiscard]] bool is_eligible(std::string_view job) const noexcept override;
  [[nodiscard]] bool is_eligible(const Job& job) const noexcept override;
  [[nodiscard]] Decision decide(std::string_view job) const noexcept override;
  [[nodiscard]] Decision decide(const Job& job) const noexcept override;
  [[nodiscard]] std::optional<Claim> try_claim(std::string_view job, Decision* why = nullptr) override;
  [[nodiscard]] std::optional<Claim> try_claim(const Job& job, Decision* why = nullptr) override;
  /// Asks for each by its name.
  [[nodiscard]] std::vector<std::size_t> eligible_jobs(const JobSet& jobs) const override;
  /// Waits as a pool does, for what another thread of the test grants.
  [[nodiscard]] Result<void> wait_until_eligible(std::string_view job, MonotonicTime deadline,
                                                 std::stop_token cancel = {}) override;
  [[nodiscard]] std::optional<NodeInfo> owner(std::string_view job) const override;
  [[nodiscard]] std::vector<NodeInfo> nodes() const override;
  [[nodiscard]] View view() const override;
  [[nodiscard]] NodeState state() const noexcept override;
  [[nodiscard]] NodeId node_id() const override;
  [[nodiscard]] NodeName node_name() const override;
  /// A point that moves on by one second with every new epoch; the clock's epoch before the first start.
  [[nodiscard]] MonotonicTime last_view_change() const noexcept override;
  /// Counts views, leases lost and claims; the store's counters stay 0, as there is none.
  [[nodiscard]] PoolStats stats() const noexcept override;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace nodepool
