#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/claims.hpp"
#include "core/node.hpp"
#include "simulation/world.hpp"

namespace nodepool::simulation {

/// A job that runs under a claim.
struct SimClaim {
  std::string job;
  ClaimLedger::Serial serial = 0;
  FencingToken token;
  std::shared_ptr<const LeaseTerm> lease;
  bool revoked = false;
};

/// One process: the production node machine, driven as the production shell drives it, with a clock of its
/// own.
class SimNode {
 public:
  /// How a request leaves: the network calls `answer` at most once, or never.
  using Answer = std::function<void(Result<SyncReply>)>;
  using Send = std::function<void(int node, const SyncRequest& request, Answer answer)>;

  SimNode(World& world, int index, NodeSettings settings, unsigned weight, Send send);

  void start();   ///< A new life, with a new id.
  void crash();   ///< No good-bye.
  void freeze();  ///< SIGSTOP: nothing happens here until `thaw`; the clock runs on.
  void thaw();
  void drain();
  void hear(const Hint& hint);
  /// A thread of the service asks for a job and, if it gets it, runs it for `duration`.
  void try_claim(const std::string& job, nanoseconds duration, bool heeds_hand_over);

  [[nodiscard]] bool up() const noexcept { return node_ != nullptr; }
  [[nodiscard]] bool frozen() const noexcept { return frozen_; }
  [[nodiscard]] MonotonicTime local_now() const;
  [[nodiscard]] Decision decide(const std::string& job) const;
  [[nodiscard]] const Standing& standing() const { return *published_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] NodeId id() const { return self_.id; }
  [[nodiscard]] const std::vector<SimClaim>& claims() const noexcept { return claims_; }
  [[nodiscard]] bool holds(const SimClaim& claim) const {
    return !claim.revoked && local_now() < claim.lease->end();
  }
  [[nodiscard]] std::uint64_t fences() const noexcept { return fences_; }

  /// Called after everything that may change what this node answers.
  std::function<void(SimNode&)> on_change;
  std::function<void(SimNode&, const SimClaim&)> on_claim;

 private:
  void turn();  ///< As NodePool::Impl::loop.
  void publish();
  void handle(const NodeEvent& event);
  void ask_to_hand_over(const ArcSet& owned);
  void release(ClaimLedger::Serial serial);
  void sleep_until(MonotonicTime wakeup);
  void defer(
      std::function<void()> action);  ///< Now, or when the process is thawed; not at all in a later life.
  void later(nanoseconds delay, std::function<void()> action);
  [[nodiscard]] nanoseconds true_delay(nanoseconds local) const;

  World& world_;
  const int index_;
  const std::string name_;
  NodeSettings settings_;
  const unsigned weight_;
  Send send_;
  double rate_;
  nanoseconds offset_;

  NodeInfo self_;
  std::unique_ptr<Node> node_;
  ClaimLedger ledger_;
  std::shared_ptr<const Standing> published_;
  std::vector<SimClaim> claims_;
  bool frozen_ = false;
  bool calling_ = false;  ///< The loop waits for the store and sees nothing else.
  std::uint64_t call_ = 0;
  std::uint64_t nap_ = 0;
  int life_ = 0;
  std::uint64_t fences_ = 0;
  std::vector<std::function<void()>> deferred_;
  std::vector<Hint> hints_;
};

}  // namespace nodepool::simulation
