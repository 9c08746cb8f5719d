// What decisions and claims are made of. Any thread; the first half is on the path of every job of a service.

#include <utility>

#include "runtime/boot_clock.hpp"
#include "runtime/claim_control.hpp"
#include "runtime/pool_impl.hpp"

namespace nodepool {
namespace {

/// A function object, so that the call of the clock is compiled into its caller.
constexpr auto kClock = [] { return boot_time(); };

JobKey key_of(std::string_view job) noexcept {
  return {job, hash_key(job)};
}
JobKey key_of(const Job& job) noexcept {
  return {job.name(), job.hash()};
}

}  // namespace

/// Compiled into its two callers below.
[[gnu::always_inline]] inline bool NodePool::Impl::is_eligible(const JobKey& job) const noexcept {
  if (!answers()) return false;  // in the child of a fork no lock can be trusted, not even for the first read
  return standing_.read([&](const Standing& standing) { return may_run(standing, job, kClock); }) &&
         answers();
}

Decision NodePool::Impl::decide(const JobKey& job) const noexcept {
  if (forked()) return {};
  return standing_.read([&](const Standing& standing) { return decide_by(standing, job); });
}

Decision NodePool::Impl::decide_by(const Standing& standing, const JobKey& job) const noexcept {
  const Decision decision = nodepool::decide(standing, job, kClock);
  return decision && !answers() ? Decision{Reason::draining, {}, {}} : decision;
}

std::vector<std::size_t> NodePool::Impl::eligible_jobs(const JobSet& jobs) const {
  if (!answers()) return {};
  return standing_.read([&](const Standing& standing) {
    std::vector<std::size_t> eligible = jobs.in(standing.granted.arcs());
    if (!standing.held_by_others.empty()) {
      std::erase_if(eligible, [&](std::size_t job) { return is_held_by_other(standing, jobs.name(job)); });
    }
    const MonotonicTime now = boot_time();
    if (!standing.lease || now >= standing.lease->end() || !answers()) eligible.clear();
    return eligible;
  });
}

std::optional<Claim> NodePool::Impl::try_claim(const JobKey& job, Decision* why) {
  Decision ignored;
  Decision& decision = why != nullptr ? *why : ignored;
  if (!validate_job_name(job.name)) {
    decision = {Reason::invalid_job, {}, {}};
    return std::nullopt;
  }
  if (decision = decide(job); !decision) return std::nullopt;
  const std::lock_guard lock(claims_mutex_);
  const auto standing = standing_.load();  // the newest: what is published later waits for the ledger's mutex
  if (decision = decide_by(*standing, job); !decision) return std::nullopt;
  const auto serial = ledger_.add(job.name);
  if (!serial) {
    decision = {Reason::already_claimed, {}, {}};
    return std::nullopt;
  }
  auto on_release = [pool = weak_from_this(), name = std::string(job.name), serial = *serial] {
    if (const auto alive = pool.lock()) alive->release(name, serial);
  };
  auto control = std::make_shared<detail::ClaimControl>(std::string(job.name), decision.token,
                                                        standing->lease, std::move(on_release));
  controls_.emplace(*serial, control);
  journal_.count.claims_made.fetch_add(1, std::memory_order_relaxed);
  return Claim(std::move(control));
}

// Beside what they call, so that a decision is one function.

bool NodePool::is_eligible(std::string_view job) const noexcept {
  return impl_->is_eligible(key_of(job));
}
bool NodePool::is_eligible(const Job& job) const noexcept {
  return impl_->is_eligible(key_of(job));
}
Decision NodePool::decide(std::string_view job) const noexcept {
  return impl_->decide(key_of(job));
}
Decision NodePool::decide(const Job& job) const noexcept {
  return impl_->decide(key_of(job));
}
std::vector<std::size_t> NodePool::eligible_jobs(const JobSet& jobs) const {
  return impl_->eligible_jobs(jobs);
}
std::optional<Claim> NodePool::try_claim(std::string_view job, Decision* why) {
  return impl_->try_claim(key_of(job), why);
}
std::optional<Claim> NodePool::try_claim(const Job& job, Decision* why) {
  return impl_->try_claim(key_of(job), why);
}

}  // namespace nodepool
