#include "nodepool/testing.hpp"

#include <fmt/core.h>

#include <utility>

#include "runtime/fake_core.hpp"

namespace nodepool {
namespace {

/// Outside any lock: a stop callback is the test's code, and may release the claim.
void ask(const std::vector<std::shared_ptr<detail::ClaimControl>>& controls) {
  for (const auto& control : controls) control->hand_over.request_stop();
}
void tell(const std::vector<std::shared_ptr<detail::ClaimControl>>& controls) {
  for (const auto& control : controls) control->stop.request_stop();
  ask(controls);
}

}  // namespace

FakeNodePool::FakeNodePool(NodeName name) : core_(std::make_shared<Core>(std::move(name))) {}

FakeNodePool::~FakeNodePool() {
  tell(core_->change([](Core& core) {
    core.state_ = NodeState::stopped;
    return core.end_term();
  }));
}

void FakeNodePool::grant(std::string_view job) {
  core_->change([&](Core& core) {
    core.answers_.insert_or_assign(std::string(job), Reason::owner);
    core.new_epoch();
  });
}

void FakeNodePool::revoke(std::string_view job, Reason reason) {
  ask(core_->change([&](Core& core) {
    core.answers_.insert_or_assign(std::string(job), reason == Reason::owner ? Reason::not_owner : reason);
    core.new_epoch();
    return core.claims_of(job);
  }));
}

void FakeNodePool::grant_if(std::function<bool(std::string_view)> predicate) {
  auto shared = std::make_shared<const std::function<bool(std::string_view)>>(std::move(predicate));
  core_->change([&](Core& core) { core.predicate_.swap(shared); });
}

void FakeNodePool::lose_lease() {
  tell(core_->change([](Core& core) {
    if (core.state_ == NodeState::stopped) return Core::Controls{};
    core.state_ = NodeState::suspended;
    ++core.stats_.leases_lost;
    auto controls = core.end_term();
    core.stats_.claims_revoked += controls.size();
    return controls;
  }));
}

void FakeNodePool::regain_lease() {
  core_->change([](Core& core) {
    if (core.state_ != NodeState::suspended) return;
    core.state_ = NodeState::steady;
    core.new_epoch();
    core.begin_term();
  });
}

bool FakeNodePool::ask_to_hand_over(std::string_view job) {
  const auto controls = core_->read([&](const Core& core) { return core.claims_of(job); });
  ask(controls);
  return !controls.empty();
}

bool FakeNodePool::tell_to_stop(std::string_view job) {
  const auto controls = core_->change([&](Core& core) {
    auto claims = core.claims_of(job);
    core.stats_.claims_revoked += claims.size();
    return claims;
  });
  tell(controls);
  return !controls.empty();
}

void FakeNodePool::script_start(std::vector<Result<void>> results) {
  core_->change([&](Core& core) { core.script_.assign(results.begin(), results.end()); });
}

void FakeNodePool::set_other_members(std::vector<NodeInfo> members) {
  core_->change([&](Core& core) {
    core.others_ = std::move(members);
    core.new_epoch();
  });
}

void FakeNodePool::set_state(NodeState state) {
  core_->change([&](Core& core) {
    core.state_ = state;
    core.begin_term_if_none();
  });
}

bool FakeNodePool::is_claimed(std::string_view job) const {
  return core_->read([&](const Core& core) { return core.serials_.contains(job); });
}

std::vector<std::string> FakeNodePool::claimed_jobs() const {
  return core_->read([](const Core& core) {
    std::vector<std::string> jobs;
    for (const auto& [job, serial] : core.serials_) jobs.push_back(job);
    return jobs;
  });
}

int FakeNodePool::starts() const {
  return core_->read([](const Core& core) { return core.starts_; });
}
int FakeNodePool::stops() const {
  return core_->read([](const Core& core) { return core.stops_; });
}

Result<void> FakeNodePool::start(std::chrono::milliseconds /*timeout*/, std::stop_token cancel) {
  return core_->change([&](Core& core) -> Result<void> {
    ++core.starts_;
    if (core.state_ != NodeState::stopped)
      return failure(ErrorCode::wrong_state, "the pool is started already");
    if (cancel.stop_requested()) return failure(ErrorCode::cancelled, "the start was cancelled");
    if (!core.script_.empty()) {
      Result<void> scripted = std::move(core.script_.front());
      core.script_.pop_front();
      if (!scripted) return scripted;
    }
    core.state_ = NodeState::steady;
    core.self_.id = NodeId(fmt::format("{:032x}", core.starts_));
    core.new_epoch();
    core.begin_term();
    return {};
  });
}

void FakeNodePool::stop() {
  ask(core_->change([](Core& core) {
    ++core.stops_;
    if (core.state_ == NodeState::stopped) return Core::Controls{};
    core.state_ = NodeState::draining;
    return core.told(core.ledger_.ask_to_hand_over(ArcSet{}));
  }));
  tell(core_->change([](Core& core) {
    core.state_ = NodeState::stopped;
    auto controls = core.end_term();
    core.stats_.claims_revoked += controls.size();
    return controls;
  }));
}

bool FakeNodePool::is_eligible(std::string_view job) const noexcept {
  return static_cast<bool>(core_->decide(job));
}
bool FakeNodePool::is_eligible(const Job& job) const noexcept {
  return is_eligible(job.name());
}
Decision FakeNodePool::decide(std::string_view job) const noexcept {
  return core_->decide(job);
}
Decision FakeNodePool::decide(const Job& job) const noexcept {
  return decide(job.name());
}
std::vector<std::size_t> FakeNodePool::eligible_jobs(const JobSet& jobs) const {
  return INodePool::eligible_jobs(jobs);
}

std::optional<Claim> FakeNodePool::try_claim(std::string_view job, Decision* why) {
  Decision ignored;
  Decision& decision = why != nullptr ? *why : ignored;
  if (!validate_job_name(job)) {
    decision = {Reason::invalid_job, {}, {}};
    return std::nullopt;
  }
  return core_->try_claim(job, decision);
}
std::optional<Claim> FakeNodePool::try_claim(const Job& job, Decision* why) {
  return try_claim(job.name(), why);
}

Result<void> FakeNodePool::wait_until_eligible(std::string_view job, MonotonicTime deadline,
                                               std::stop_token cancel) {
  return core_->wait(job, deadline, cancel);
}

std::optional<NodeInfo> FakeNodePool::owner(std::string_view job) const {
  const bool mine = is_eligible(job);
  return core_->read([&](const Core& core) -> std::optional<NodeInfo> {
    if (core.state_ == NodeState::stopped) return std::nullopt;
    if (mine) return core.self_;
    return core.others_.empty() ? std::nullopt : std::optional(core.others_.front());
  });
}

std::vector<NodeInfo> FakeNodePool::nodes() const {
  return view().members;
}
View FakeNodePool::view() const {
  return core_->read([](const Core& core) { return core.view(); });
}
NodeState FakeNodePool::state() const noexcept {
  return core_->read([](const Core& core) { return core.state_; });
}
NodeId FakeNodePool::node_id() const {
  return core_->read([](const Core& core) { return core.self_.id; });
}
NodeName FakeNodePool::node_name() const {
  return core_->read([](const Core& core) { return core.self_.name; });
}
MonotonicTime FakeNodePool::last_view_change() const noexcept {
  return core_->read([](const Core& core) {
    return core.starts_ == 0 ? MonotonicTime{} : MonotonicTime(std::chrono::seconds(core.epoch_));
  });
}
PoolStats FakeNodePool::stats() const noexcept {
  return core_->read([](const Core& core) { return core.stats_; });
}

}  // namespace nodepool
