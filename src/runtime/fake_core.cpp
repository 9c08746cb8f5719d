#include "runtime/fake_core.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "core/standing.hpp"

namespace nodepool {

bool FakeNodePool::Core::predicate_says(std::string_view job) const noexcept {
  try {
    const auto predicate = read([](const Core& core) { return core.predicate_; });
    return predicate && *predicate && (*predicate)(job);
  } catch (...) {
    return false;
  }
}

Decision FakeNodePool::Core::decide_locked(std::string_view job, bool by_predicate) const {
  if (const Reason reason = reason_of(state_); reason != Reason::owner) return {reason, {}, {}};
  const auto named = answers_.find(job);
  const Reason unnamed = by_predicate ? Reason::owner : Reason::not_owner;
  const Reason reason = named != answers_.end() ? named->second : unnamed;
  if (reason != Reason::owner) return {reason, {}, {}};
  if (!lease_) return {Reason::lease_lost, {}, {}};
  return {Reason::owner, {epoch_}, lease_->end()};
}

Decision FakeNodePool::Core::decide(std::string_view job) const noexcept {
  const bool by_predicate = predicate_says(job);
  return read([&](const Core& core) { return core.decide_locked(job, by_predicate); });
}

std::optional<Claim> FakeNodePool::Core::try_claim(std::string_view job, Decision& why) {
  const bool by_predicate = predicate_says(job);
  const std::lock_guard lock(mutex_);
  if (why = decide_locked(job, by_predicate); !why) return std::nullopt;
  const auto serial = ledger_.add(job);
  if (!serial) {
    why = {Reason::already_claimed, {}, {}};
    return std::nullopt;
  }
  auto on_release = [core = shared_from_this(), name = std::string(job), serial = *serial] {
    core->release(name, serial);
  };
  auto control = std::make_shared<Control>(std::string(job), why.token, lease_, std::move(on_release));
  controls_.emplace(*serial, control);
  serials_.insert_or_assign(std::string(job), *serial);
  ++stats_.claims_made;
  return Claim(std::move(control));
}

void FakeNodePool::Core::release(const std::string& job, ClaimLedger::Serial serial) noexcept {
  const std::lock_guard lock(mutex_);
  ledger_.remove(job, serial);
  controls_.erase(serial);
  serials_.erase(job);
}

Result<void> FakeNodePool::Core::wait(std::string_view job, MonotonicTime deadline,
                                      const std::stop_token& cancel) {
  while (true) {
    const Decision decision = decide(job);
    if (decision) return {};
    if (decision.reason == Reason::stopped) return failure(ErrorCode::wrong_state, "the pool is stopped");
    if (cancel.stop_requested()) return failure(ErrorCode::cancelled, "the wait for the job was cancelled");
    const MonotonicTime now = BootClock::now();
    if (now >= deadline) {
      return failure(ErrorCode::timed_out, fmt::format("job {} did not become eligible here in time ({})",
                                                       job, to_string(decision.reason)));
    }
    // In short slices, as the predicate may change its mind without telling.
    const auto slice = std::min<std::chrono::nanoseconds>(deadline - now, std::chrono::milliseconds(10));
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, cancel, slice, [] { return false; });
  }
}

FakeNodePool::Core::Controls FakeNodePool::Core::told(const std::vector<ClaimLedger::Serial>& serials) const {
  Controls controls;
  for (const ClaimLedger::Serial serial : serials) {
    const auto found = controls_.find(serial);
    if (found == controls_.end()) continue;
    if (auto control = found->second.lock()) controls.push_back(std::move(control));
  }
  return controls;
}

FakeNodePool::Core::Controls FakeNodePool::Core::claims_of(std::string_view job) const {
  const auto found = serials_.find(job);
  return found == serials_.end() ? Controls{} : told({found->second});
}

View FakeNodePool::Core::view() const {
  if (state_ == NodeState::stopped) return {};
  View view{.stamp = {"fake", {epoch_}, fmt::format("fake.{}", epoch_)}, .members = others_};
  view.members.push_back(self_);
  std::ranges::sort(view.members, {}, [](const NodeInfo& info) { return std::pair(info.name, info.id); });
  view.settled = state_ == NodeState::steady;
  return view;
}

}  // namespace nodepool
