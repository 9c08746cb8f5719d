#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/claims.hpp"
#include "nodepool/testing.hpp"
#include "runtime/claim_control.hpp"

namespace nodepool {

/// Shared with the claims, which may outlive the fake.
class FakeNodePool::Core : public std::enable_shared_from_this<FakeNodePool::Core> {
 public:
  using Control = detail::ClaimControl;
  using Controls = std::vector<std::shared_ptr<Control>>;

  explicit Core(NodeName name) { self_.name = std::move(name); }

  template <class Change>
  auto change(Change act) {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
    return act(*this);
  }
  template <class Read>
  auto read(Read act) const {
    const std::lock_guard lock(mutex_);
    return act(*this);
  }

  Decision decide(std::string_view job) const noexcept;
  std::optional<Claim> try_claim(std::string_view job, Decision& why);
  Result<void> wait(std::string_view job, MonotonicTime deadline, const std::stop_token& cancel);
  void release(const std::string& job, ClaimLedger::Serial serial) noexcept;

  // What follows is called through `change` or `read`: mutex_ is held.
  void new_epoch() {
    ++epoch_;
    stats_.views_adopted += state_ == NodeState::stopped ? 0 : 1;
  }
  void begin_term_if_none() {
    if (!lease_) begin_term();
  }
  void begin_term() { lease_ = std::make_shared<LeaseTerm>(MonotonicTime::max()); }
  Controls end_term() {
    if (lease_) lease_->finish();
    lease_.reset();
    return told(ledger_.revoke_all());
  }
  Controls told(const std::vector<ClaimLedger::Serial>& serials) const;
  Controls claims_of(std::string_view job) const;
  [[nodiscard]] View view() const;

  std::map<std::string, Reason, std::less<>> answers_;  ///< By name: owner, or why not.
  std::shared_ptr<const std::function<bool(std::string_view)>> predicate_;
  std::deque<Result<void>> script_;
  std::vector<NodeInfo> others_;
  NodeInfo self_;
  NodeState state_ = NodeState::stopped;
  std::uint64_t epoch_ = 0;
  int starts_ = 0;
  int stops_ = 0;
  PoolStats stats_;
  ClaimLedger ledger_;
  std::map<ClaimLedger::Serial, std::weak_ptr<Control>> controls_;
  std::map<std::string, ClaimLedger::Serial, std::less<>> serials_;  ///< Of the claims not yet released.

 private:
  [[nodiscard]] Decision decide_locked(std::string_view job, bool by_predicate) const;
  [[nodiscard]] bool predicate_says(std::string_view job) const noexcept;

  mutable std::mutex mutex_;  ///< Guards everything above and below.
  std::condition_variable_any changed_;
  std::shared_ptr<LeaseTerm> lease_;
};

}  // namespace nodepool
