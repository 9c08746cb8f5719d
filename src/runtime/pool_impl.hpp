#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/claims.hpp"
#include "core/node.hpp"
#include "nodepool/pool.hpp"
#include "runtime/identity.hpp"
#include "runtime/journal.hpp"
#include "runtime/snapshot_cell.hpp"
#include "runtime/wake_event.hpp"

namespace nodepool {

/// The shell around the node machine: the only place with its thread. The thread owns the machine and the
/// session; other threads read the published standing, enter claims under a mutex, and leave wishes in the
/// mailbox.
class NodePool::Impl : public std::enable_shared_from_this<NodePool::Impl> {
 public:
  Impl(ServiceName service, std::shared_ptr<Driver> driver, PoolOptions options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> start(std::chrono::milliseconds timeout, const std::stop_token& cancel);
  enum class Patience { drain_grace, none };
  void stop(Patience patience);

  [[nodiscard]] bool is_eligible(const JobKey& job) const noexcept;
  [[nodiscard]] Decision decide(const JobKey& job) const noexcept;
  [[nodiscard]] std::vector<std::size_t> eligible_jobs(const JobSet& jobs) const;
  std::optional<Claim> try_claim(const JobKey& job, Decision* why);
  Result<void> wait_until_eligible(std::string_view job, MonotonicTime deadline,
                                   const std::stop_token& cancel);
  std::uint64_t wait_for_change(std::uint64_t seen, MonotonicTime deadline, const std::stop_token& cancel);
  /// Calls `use` with the newest standing. Any thread; wait-free but for the first time after a change.
  template <class Use>
  auto read_standing(Use use) const {
    return standing_.read(use);
  }
  [[nodiscard]] NodeState state() const noexcept;
  [[nodiscard]] NodeId node_id() const;
  [[nodiscard]] NodeName node_name() const;
  [[nodiscard]] PoolStats stats() const noexcept;

 private:
  struct Life;  ///< What lives from start to the end of the thread.

  Result<void> check();
  Result<void> begin_life();
  void introduce_oneself(const Identity& identity, std::optional<NodeName> given_name);
  [[nodiscard]] NodeSettings settings(const Identity& identity) const;
  [[nodiscard]] std::string why_not_steady() const;  ///< REQUIRES: mutex_ is held.
  Result<void> await_steady(std::chrono::milliseconds timeout, const std::stop_token& cancel);
  void end_life(Patience patience);

  void run(Life& life) noexcept;
  void loop(Life& life);
  void call_store(Life& life, const SyncRequest& request);
  void read_mailbox(Life& life);
  void publish(Life& life);
  void tell_claims(const Standing& standing, const NodeEvent& event);
  void handle(const Standing& standing, const NodeEvent& event);
  void handle_trouble(const NodeEvent& event);
  void ask_to_hand_over(const ArcSet& owned);
  void revoke_claims();
  void tell_to_stop(const std::vector<std::shared_ptr<detail::ClaimControl>>& controls);
  void revoke_moved(const ArcSet& owned);
  /// REQUIRES: claims_mutex_ is held.
  std::vector<std::shared_ptr<detail::ClaimControl>> controls_of(
      const std::vector<ClaimLedger::Serial>& serials);
  void fence(Life& life, const char* what) noexcept;
  void show_standing(const std::shared_ptr<const Standing>& standing);
  void release(std::string_view job, ClaimLedger::Serial serial) noexcept;
  [[nodiscard]] Decision decide_by(const Standing& standing, const JobKey& job) const noexcept;
  [[nodiscard]] bool forked() const noexcept;
  [[nodiscard]] bool answers() const noexcept {
    return answers_in_.load(std::memory_order_acquire) == fork_generation();
  }

  const ServiceName service_;
  const std::shared_ptr<Driver> driver_;
  const PoolOptions options_;

  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};
  /// In which process, counted in forks, this pool may say yes; nowhere once `stop` was called. Decisions
  /// read it: on a cache line of its own.
  alignas(64) std::atomic<std::uint64_t> answers_in_{0};
  SnapshotCell<Standing> standing_;
  Journal journal_;                                ///< Counters and log; thread-safe.
  WakeEvent wake_;                                 ///< Interrupts the thread's wait; thread-safe.
  std::atomic<std::uint64_t> fork_generation_{0};  ///< In which process the present life began.

  std::mutex life_mutex_;       ///< Serializes start and stop. Held while joining the thread.
  std::unique_ptr<Life> life_;  ///< Changed under life_mutex_ while no thread runs; used by the thread.
  std::jthread thread_;         ///< Guarded by life_mutex_.
  std::atomic<std::thread::id> thread_id_;  ///< Of the pool's thread, so that its callbacks are known.

  mutable std::mutex claims_mutex_;
  ClaimLedger ledger_;  ///< Guarded by claims_mutex_.
  std::map<ClaimLedger::Serial, std::weak_ptr<detail::ClaimControl>>
      controls_;  ///< Guarded by claims_mutex_.

  mutable std::mutex mutex_;             ///< Guards what follows.
  std::condition_variable_any changed_;  ///< The standing, or the start's fate, has changed.
  std::uint64_t changes_ = 1;            ///< How often the standing was published.
  NodeInfo self_;
  std::optional<Error> refused_;  ///< Why the store will not have this node.
  std::optional<Error> last_error_;
  MonotonicTime barrier_until_;  ///< As far as the last reply said.
  bool barrier_told_ = false;    ///< Belongs to the pool's thread.
  bool drain_wanted_ = false;
  bool leave_wanted_ = false;
  bool release_wanted_ = false;
};

}  // namespace nodepool
