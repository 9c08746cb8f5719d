#include "runtime/pool_impl.hpp"

#include <fmt/core.h>

#include <exception>
#include <utility>

#include "runtime/claim_control.hpp"
#include "runtime/identity.hpp"

namespace nodepool {

using std::chrono::milliseconds;

struct NodePool::Impl::Life {
  Node node;
  std::unique_ptr<Session> session;
  std::shared_ptr<const Standing> published;
};

NodePool::Impl::Impl(ServiceName service, std::shared_ptr<Driver> driver, PoolOptions options)
    : service_(std::move(service)),
      driver_(std::move(driver)),
      options_(std::move(options)),
      journal_(options_.logger) {
  standing_.publish(std::make_shared<Standing>());
}

/// Any thread is joined by now, unless this is the child of a fork: there it does not exist.
NodePool::Impl::~Impl() {
  if (!thread_.joinable() || !forked()) return;
  thread_.detach();
  static_cast<void>(life_.release());  // what it points to belongs to the parent, file descriptors included
}

// ---- life cycle: any thread

Result<void> NodePool::Impl::check() {
  if (forked() && thread_.joinable()) {
    return failure(ErrorCode::wrong_state, "the pool was started before a fork; the child needs a new one");
  }
  if (thread_.joinable() && state() == NodeState::stopped) thread_.join();  // it was drained from outside
  if (thread_.joinable()) {
    return failure(ErrorCode::wrong_state, "the pool is started already; stop it before starting it again");
  }
  if (!driver_) return failure(ErrorCode::invalid_argument, "the pool has no driver; open a store first");
  if (wake_.fd() < 0) {
    return failure(ErrorCode::unavailable, "the process has no file descriptor left; raise its limit");
  }
  return validate(service_).and_then([&] { return validate(options_); });
}

Result<void> NodePool::Impl::start(milliseconds timeout, const std::stop_token& cancel) {
  if (std::this_thread::get_id() == thread_id_.load()) {
    return failure(ErrorCode::wrong_state, "a pool cannot be started from its own callbacks");
  }
  const std::lock_guard life(life_mutex_);
  if (auto checked = check(); !checked) return checked;
  if (auto begun = begin_life(); !begun) return begun;
  auto steady = await_steady(timeout, cancel);
  if (!steady) end_life(Patience::none);
  return steady;
}

void NodePool::Impl::introduce_oneself(const Identity& identity, std::optional<NodeName> given_name) {
  NodeName own_name(options_.name.empty() ? identity.default_name : options_.name);
  const std::lock_guard lock(mutex_);
  self_ = {.id = NodeId(identity.id),
           .name = given_name ? *std::move(given_name) : std::move(own_name),
           .weight = options_.weight,
           .zone = options_.zone,
           .address = options_.address,
           .metadata = options_.metadata};
  refused_.reset();
  last_error_.reset();
  barrier_until_ = {};
  barrier_told_ = false;
  drain_wanted_ = leave_wanted_ = release_wanted_ = false;
  answers_in_ = fork_generation();
}

NodeSettings NodePool::Impl::settings(const Identity& identity) const {
  const milliseconds timeout = options_.store_timeout.count() > 0
                                   ? options_.store_timeout
                                   : std::max(options_.heartbeat, milliseconds(100));
  // A rule without points must not be refused for points that mean nothing.
  const unsigned points = options_.placement == PlacementKind::ring ? options_.points : 0;
  return {.config = {.hash = std::string(to_string(options_.placement)),
                     .points = points,
                     .heartbeat = options_.heartbeat,
                     .lease = options_.lease},
          .drain_grace = options_.drain_grace,
          .store_timeout = timeout,
          .max_clock_drift = options_.max_clock_drift,
          .jitter_seed = identity.seed};
}

/// Whatever the system or a driver from outside throws here must not reach the caller.
Result<void> NodePool::Impl::begin_life() {
  const auto not_begun = [&](const char* what) -> Result<void> {
    standing_.publish(std::make_shared<Standing>());
    life_.reset();
    return failure(ErrorCode::unavailable,
                   fmt::format("the pool's session or thread could not be made ({}); has the process reached "
                               "one of its limits?",
                               what));
  };
  try {
    auto session = driver_->open(service_);
    if (!session) return failure(ErrorCode::unsupported, "the driver has opened no session");
    const Identity identity = new_identity();
    introduce_oneself(identity, session->node_name());
    journal_.set_context(service_.str(), self_.name.str());
    fork_generation_ = fork_generation();
    life_ = std::make_unique<Life>(Life{Node(settings(identity), self_), std::move(session), nullptr});
    publish(*life_);
    thread_ = std::jthread([this, &life = *life_] { run(life); });
    return {};
  } catch (const std::exception& problem) {
    return not_begun(problem.what());
  } catch (...) {
    return not_begun("unknown exception");
  }
}

Result<void> NodePool::Impl::await_steady(milliseconds timeout, const std::stop_token& cancel) {
  constexpr milliseconds longest = std::chrono::hours(24 * 365);  // more would overflow the wait's clock
  std::unique_lock lock(mutex_);
  const auto decided = [&] {
    const NodeState now = state();
    return refused_ || now == NodeState::steady || now == NodeState::stopped || now == NodeState::draining;
  };
  const bool in_time = changed_.wait_for(lock, cancel, std::min(timeout, longest), decided);
  if (refused_) return tl::unexpected(*refused_);
  if (in_time && state() == NodeState::steady) return {};
  if (cancel.stop_requested()) {
    return failure(ErrorCode::cancelled, "the start was cancelled; the node has left");
  }
  if (in_time) {
    return failure(ErrorCode::wrong_state, "the node was asked to drain or to stop before it was steady");
  }
  return failure(ErrorCode::timed_out,
                 fmt::format("node {} of service {} was not steady within {} ms: {}", self_.name.str(),
                             service_.str(), timeout.count(), why_not_steady()));
}

std::string NodePool::Impl::why_not_steady() const {
  if (last_error_) return fmt::format("the last error was: {}", last_error_->message);
  if (BootClock::now() < barrier_until_) {
    return "the store cannot rule out leases from before and waits for one lease; allow a longer time-out";
  }
  const auto standing = standing_.load();
  if (!standing->view) return "the store has not answered so far";
  if (!driver_->capabilities().acknowledges) {
    return "the list of nodes has not stayed the same for long enough; allow a longer time-out";
  }
  return "not every member has acknowledged the view; is one of them stalled?";
}

void NodePool::Impl::stop(Patience patience) {
  if (forked()) return;    // in the child of a fork no lock can be trusted, and nothing is eligible
  answers_in_ = kNowhere;  // from here on, also while the thread is busy with the store
  {
    const std::lock_guard lock(mutex_);
    (patience == Patience::none ? leave_wanted_ : drain_wanted_) = true;
  }
  wake_.set();
  // From a callback: the thread cannot wait for itself; it stops when the callback has returned.
  if (std::this_thread::get_id() == thread_id_.load()) return;
  const std::lock_guard life(life_mutex_);
  end_life(patience);
}

void NodePool::Impl::end_life(Patience patience) {
  if (!thread_.joinable()) return;
  answers_in_ = kNowhere;
  {
    const std::lock_guard lock(mutex_);
    (patience == Patience::none ? leave_wanted_ : drain_wanted_) = true;
  }
  wake_.set();
  thread_.join();
  life_.reset();
}

// ---- the pool's thread

void NodePool::Impl::run(Life& life) noexcept {
  thread_id_ = std::this_thread::get_id();
  try {
    while (!life.node.finished()) loop(life);
    publish(life);
  } catch (const std::exception& problem) {
    fence(life, problem.what());
  } catch (...) {
    fence(life, "unknown exception");
  }
  revoke_claims();
  thread_id_ = std::thread::id();  // ids are used again
}

void NodePool::Impl::loop(Life& life) {
  read_mailbox(life);
  publish(life);
  std::optional<SyncRequest> request;
  {
    const std::lock_guard lock(claims_mutex_);
    life.node.advance(BootClock::now(), ledger_);
  }
  publish(life);
  {
    const std::lock_guard lock(claims_mutex_);
    request = life.node.next_request(BootClock::now(), ledger_);
  }
  if (request) return call_store(life, *request);
  if (life.node.finished()) return;
  for (const Hint& hint : life.session->wait(life.node.next_wakeup(), wake_.fd())) {
    journal_.count.hints.fetch_add(1, std::memory_order_relaxed);
    life.node.on_hint(hint, BootClock::now());
  }
}

void NodePool::Impl::call_store(Life& life, const SyncRequest& request) {
  const auto reply = life.session->sync(request, life.node.call_deadline(BootClock::now()));
  const MonotonicTime now = BootClock::now();
  if (reply) {
    journal_.count.syncs_ok.fetch_add(1, std::memory_order_relaxed);
    if (reply->unconfirmed) journal_.count.syncs_unconfirmed.fetch_add(1, std::memory_order_relaxed);
    {
      const std::lock_guard lock(mutex_);
      last_error_.reset();
    }
    life.node.on_reply(*reply, now);
  } else {
    life.node.on_failure(reply.error(), now);
  }
  publish(life);
}

void NodePool::Impl::read_mailbox(Life& life) {
  wake_.clear();
  const MonotonicTime now = BootClock::now();
  const std::lock_guard lock(mutex_);
  if (std::exchange(release_wanted_, false)) life.node.on_release();
  if (std::exchange(drain_wanted_, false)) life.node.drain(now);
  if (std::exchange(leave_wanted_, false)) life.node.leave(now);
}

/// Makes the node's standing visible, then tells of what led to it. In this order: whoever hears of a change
/// finds it made. Claims hear first: a slow listener or log must not keep a job from its stop request.
void NodePool::Impl::publish(Life& life) {
  if (life.published != life.node.standing()) {
    life.published = life.node.standing();
    show_standing(life.published);
  }
  const auto events = life.node.take_events();
  for (const NodeEvent& event : events) tell_claims(*life.published, event);
  for (const NodeEvent& event : events) handle(*life.published, event);
}

void NodePool::Impl::fence(Life& life, const char* what) noexcept {
  journal_.count.bugs.fetch_add(1, std::memory_order_relaxed);
  journal_.log(LogLevel::error, "defect in nodepool; the node has fenced itself, please report it",
               {{"what", what}});
  life.published = std::make_shared<Standing>();
  show_standing(life.published);
}

void NodePool::Impl::show_standing(const std::shared_ptr<const Standing>& standing) {
  standing_.publish(standing);
  {
    const std::lock_guard lock(mutex_);
    ++changes_;
  }  // whoever is about to wait has seen the old standing, and is waiting now
  changed_.notify_all();
}

// ---- claims and waiting: any thread

void NodePool::Impl::release(std::string_view job, ClaimLedger::Serial serial) noexcept {
  if (forked()) return;  // the claim is the parent's
  bool awaited = false;
  {
    const std::lock_guard lock(claims_mutex_);
    awaited = ledger_.remove(job, serial);
    controls_.erase(serial);
  }
  if (!awaited && state() != NodeState::draining) return;
  {
    const std::lock_guard lock(mutex_);
    release_wanted_ = true;
  }
  wake_.set();
}

Result<void> NodePool::Impl::wait_until_eligible(std::string_view job, MonotonicTime deadline,
                                                 const std::stop_token& cancel) {
  const JobKey key{job, hash_key(job)};
  const auto over = [&] {
    const Decision decision = decide(key);
    return decision || decision.reason == Reason::stopped;
  };
  if (forked()) return failure(ErrorCode::wrong_state, "the pool was started before a fork");
  std::unique_lock lock(mutex_);
  while (true) {
    const Decision decision = decide(key);
    if (decision) return {};
    if (decision.reason == Reason::stopped) {
      return failure(ErrorCode::wrong_state, "the pool is stopped; start it before waiting for a job");
    }
    if (cancel.stop_requested()) return failure(ErrorCode::cancelled, "the wait for the job was cancelled");
    const MonotonicTime now = BootClock::now();
    if (now >= deadline) {
      return failure(ErrorCode::timed_out, fmt::format("job {} did not become eligible here in time ({})",
                                                       job, to_string(decision.reason)));
    }
    // Counted in slices, as the boot-time clock runs on while the machine sleeps and the wait's clock does
    // not.
    const auto slice = std::min<std::chrono::nanoseconds>(deadline - now, std::chrono::seconds(1));
    changed_.wait_for(lock, cancel, slice, over);
  }
}

std::uint64_t NodePool::Impl::wait_for_change(std::uint64_t seen, MonotonicTime deadline,
                                              const std::stop_token& cancel) {
  if (forked()) return seen;
  std::unique_lock lock(mutex_);
  MonotonicTime now = BootClock::now();
  while (changes_ == seen && now < deadline && !cancel.stop_requested()) {
    const auto slice = std::min<std::chrono::nanoseconds>(deadline - now, std::chrono::seconds(1));
    changed_.wait_for(lock, cancel, slice, [&] { return changes_ != seen; });
    now = BootClock::now();
  }
  return changes_;
}

NodeState NodePool::Impl::state() const noexcept {
  if (forked()) return NodeState::stopped;
  return standing_.read([](const Standing& standing) { return standing.state; });
}

NodeId NodePool::Impl::node_id() const {
  const std::lock_guard lock(mutex_);
  return self_.id;
}

NodeName NodePool::Impl::node_name() const {
  const std::lock_guard lock(mutex_);
  return self_.name;
}

PoolStats NodePool::Impl::stats() const noexcept {
  return journal_.stats();
}

bool NodePool::Impl::forked() const noexcept {
  return fork_generation_.load(std::memory_order_relaxed) != fork_generation();
}

}  // namespace nodepool
