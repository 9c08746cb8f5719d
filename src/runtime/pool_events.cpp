// What the pool tells the outside: claims, listeners, the log.

#include <fmt/core.h>

#include "runtime/claim_control.hpp"
#include "runtime/pool_impl.hpp"
#include "runtime/view_of.hpp"

namespace nodepool {

void NodePool::Impl::tell_claims(const Standing& standing, const NodeEvent& event) {
  switch (event.kind) {
    case NodeEvent::Kind::view_adopted:
      if (!driver_->capabilities().holds) return revoke_moved(standing.view->owned);
      return ask_to_hand_over(standing.view->owned);
    case NodeEvent::Kind::draining:
      return ask_to_hand_over(ArcSet{});
    case NodeEvent::Kind::lease_lost:
    case NodeEvent::Kind::grace_over:
      return revoke_claims();
    case NodeEvent::Kind::state_changed:
    case NodeEvent::Kind::lease_gained:
    case NodeEvent::Kind::sync_failed:
    case NodeEvent::Kind::reply_too_late:
    case NodeEvent::Kind::behind_barrier:
    case NodeEvent::Kind::store_warns:
    case NodeEvent::Kind::name_shared:
    case NodeEvent::Kind::configuration_refused:
      return;
  }
}

void NodePool::Impl::handle(const Standing& standing, const NodeEvent& event) {
  const auto add = [](std::atomic<std::uint64_t>& counter) {
    counter.fetch_add(1, std::memory_order_relaxed);
  };
  const std::string epoch = standing.view ? fmt::format("{}", standing.view->stamp.epoch.value) : "none";
  switch (event.kind) {
    case NodeEvent::Kind::state_changed: {
      journal_.log(LogLevel::info, "the node's state has changed",
                   {{"state", std::string(to_string(event.state))}, {"epoch", epoch}});
      if (event.state == NodeState::steady) barrier_told_ = false;
      if (!options_.on_state_change) return;
      return journal_.guarded([&] { options_.on_state_change(event.state, view_of(standing)); });
    }
    case NodeEvent::Kind::view_adopted: {
      add(journal_.count.views_adopted);
      if (!options_.on_view_change) return;
      return journal_.guarded([&] { options_.on_view_change(view_of(standing)); });
    }
    case NodeEvent::Kind::draining:
      return journal_.log(LogLevel::info, "draining: nothing new is taken", {{"epoch", epoch}});
    case NodeEvent::Kind::lease_gained:
      return journal_.log(LogLevel::debug, "lease gained", {{"epoch", epoch}});
    case NodeEvent::Kind::lease_lost:
      add(journal_.count.leases_lost);
      return journal_.log(LogLevel::warning, "lease lost: nothing runs here until the store answers again",
                          {{"epoch", epoch}});
    case NodeEvent::Kind::grace_over:
      return journal_.log(LogLevel::warning, "the drain's grace is over: claims were told to stop",
                          {{"epoch", epoch}});
    case NodeEvent::Kind::store_warns:
      add(journal_.count.store_warnings);
      return journal_.log(LogLevel::warning, event.warning);
    case NodeEvent::Kind::name_shared:
      return journal_.log(
          LogLevel::warning,
          "another member has this node's name: one of the two stands idle; give each its own", {});
    case NodeEvent::Kind::sync_failed:
    case NodeEvent::Kind::reply_too_late:
    case NodeEvent::Kind::configuration_refused:
    case NodeEvent::Kind::behind_barrier:
      return handle_trouble(event);
  }
}

void NodePool::Impl::handle_trouble(const NodeEvent& event) {
  if (event.kind == NodeEvent::Kind::behind_barrier) {
    {
      const std::lock_guard lock(mutex_);
      barrier_until_ = BootClock::now() + event.wait;
    }
    if (std::exchange(barrier_told_, true)) return;
    journal_.count.barriers.fetch_add(1, std::memory_order_relaxed);
    return journal_.log(LogLevel::info, "waiting for one lease: the store cannot rule out leases from before",
                        {{"wait_ms", fmt::format("{}", event.wait.count() / 1000)}});
  }
  journal_.count.syncs_failed.fetch_add(1, std::memory_order_relaxed);
  const Error error = event.error.value_or(
      Error{ErrorCode::timed_out, "the store answers too slowly for the lease; choose a longer lease"});
  {
    const std::lock_guard lock(mutex_);
    last_error_ = error;
    if (event.kind == NodeEvent::Kind::configuration_refused) refused_ = error;
  }
  changed_.notify_all();
  journal_.log_repeated(
      event.kind == NodeEvent::Kind::configuration_refused ? LogLevel::error : LogLevel::warning,
      "the store could not be synced with; trying again",
      {{"error", error.message}, {"code", std::string(to_string(error.code))}}, BootClock::now());
}

void NodePool::Impl::ask_to_hand_over(const ArcSet& owned) {
  std::unique_lock lock(claims_mutex_);
  const auto controls = controls_of(ledger_.ask_to_hand_over(owned));
  lock.unlock();  // a stop callback is the user's code
  for (const auto& control : controls) journal_.guarded([&] { control->hand_over.request_stop(); });
}

void NodePool::Impl::revoke_claims() {
  std::unique_lock lock(claims_mutex_);
  const auto controls = controls_of(ledger_.revoke_all());
  lock.unlock();
  tell_to_stop(controls);
}

/// Where the store knows of no holds, the next owner waits for nobody: asking nicely is not enough.
void NodePool::Impl::revoke_moved(const ArcSet& owned) {
  std::unique_lock lock(claims_mutex_);
  const auto controls = controls_of(ledger_.revoke_outside(owned));
  lock.unlock();
  tell_to_stop(controls);
}

void NodePool::Impl::tell_to_stop(const std::vector<std::shared_ptr<detail::ClaimControl>>& controls) {
  journal_.count.claims_revoked.fetch_add(controls.size(), std::memory_order_relaxed);
  for (const auto& control : controls) {
    journal_.guarded([&] { control->stop.request_stop(); });
    journal_.guarded([&] { control->hand_over.request_stop(); });
  }
}

std::vector<std::shared_ptr<detail::ClaimControl>> NodePool::Impl::controls_of(
    const std::vector<ClaimLedger::Serial>& serials) {
  std::vector<std::shared_ptr<detail::ClaimControl>> controls;
  for (const ClaimLedger::Serial serial : serials) {
    const auto found = controls_.find(serial);
    if (found == controls_.end()) continue;
    if (auto control = found->second.lock()) controls.push_back(std::move(control));
  }
  return controls;
}

}  // namespace nodepool
