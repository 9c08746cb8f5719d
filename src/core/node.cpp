#include "core/node.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/view_change.hpp"

namespace nodepool {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kFirstRetry{20};
/// Looks a little after the instant at which a lease runs out, not a little before.
constexpr milliseconds kLookMargin{1};
/// All members are told to look at the same instant. They take turns, at random, over so much time for each
/// of them: the first to look makes a new view, and the others hear of it.
constexpr std::chrono::microseconds kLookTurn{50};
constexpr std::size_t kTurnsOfNewcomers = 200;  ///< They do not know how many there are.

bool is_permanent(ErrorCode code) noexcept {
  return code == ErrorCode::config_mismatch || code == ErrorCode::permission_denied ||
         code == ErrorCode::store_corrupt || code == ErrorCode::unsupported ||
         code == ErrorCode::invalid_argument;
}

std::vector<std::string> jobs_of(const std::vector<Hold>& holds) {
  std::vector<std::string> jobs;
  for (const Hold& hold : holds) jobs.push_back(hold.job);
  std::ranges::sort(jobs);
  jobs.erase(std::unique(jobs.begin(), jobs.end()), jobs.end());
  return jobs;
}

}  // namespace

Node::Node(NodeSettings settings, NodeInfo self)
    : settings_(std::move(settings)),
      self_(std::move(self)),
      standing_(std::make_shared<Standing>(Standing{.state = NodeState::joining})),
      random_(settings_.jitter_seed) {}

void Node::advance(MonotonicTime now, const ClaimLedger& ledger) {
  if (lease_ && now >= lease_->end()) lose_lease(now);
  adopt_heard(now);
  advance_drain(now, ledger);
}

std::optional<SyncRequest> Node::next_request(MonotonicTime now, const ClaimLedger& ledger) {
  const bool silent = phase_ == Phase::overdue || phase_ == Phase::finished;
  if (sent_at_ || silent || (!due_ && now < next_sync_)) return std::nullopt;
  due_ = false;
  sent_at_ = now;
  saying_good_bye_ = phase_ == Phase::leaving;
  SyncRequest request{.config = settings_.config, .node = self_, .sequence = ++sequence_};
  request.intent = phase_ == Phase::leaving    ? Intent::leaving
                   : phase_ == Phase::draining ? Intent::draining
                                               : Intent::active;
  request.node.draining = request.intent == Intent::draining;
  request.nonce = fmt::format("{}.{}", self_.id.str(), sequence_);
  if (standing_->view) {
    // A caller that knows nothing is told all members, and acknowledges nothing.
    if (!std::exchange(asks_for_all_, false)) request.known = standing_->view->stamp;
    request.held = ledger.held(standing_->view->owned);
  }
  return request;
}

void Node::on_reply(const SyncReply& reply, MonotonicTime now) {
  const MonotonicTime sent_at = *std::exchange(sent_at_, std::nullopt);
  heard_.clear();  // the reply is newer
  if (phase_ == Phase::finished) return;
  if (phase_ == Phase::leaving) {
    if (saying_good_bye_) finish();
    return;  // an older request's reply: the good-bye is still to be sent
  }
  if (lease_ && now >= lease_->end()) lose_lease(now);
  const MonotonicTime lease_end = sent_at + lease_given(reply);
  if (now >= lease_end) {
    emit(NodeEvent::Kind::reply_too_late);
    return retry_later(now);
  }
  plan_next_sync(sent_at, reply, now);
  pass_on(reply.warnings);
  if (reply.waiting) {  // no member yet
    failures_ = 0;
    return;
  }
  if (auto learnt = learn_view(reply, now); !learnt) return on_failure(learnt.error(), now);
  failures_ = 0;
  renew_lease(lease_end);
  if (reply.settled) settle(jobs_of(reply.holds_of_others));
  if (reply.drain_requested && phase_ == Phase::active) drain(now);
}

void Node::plan_next_sync(MonotonicTime sent_at, const SyncReply& reply, MonotonicTime now) {
  next_sync_ =
      sent_at + std::chrono::duration_cast<nanoseconds>(settings_.config.heartbeat * jitter(0.9, 1.0));
  if (reply.look_again_in) {
    const auto members =
        static_cast<double>(standing_->view ? standing_->view->members.size() : kTurnsOfNewcomers);
    const auto turn = std::chrono::duration_cast<nanoseconds>(members * jitter(0.0, 1.0) * kLookTurn);
    next_sync_ = std::min(next_sync_, now + *reply.look_again_in + kLookMargin + turn);
  }
  if (reply.barrier_left.count() > 0) {
    events_.push_back({.kind = NodeEvent::Kind::behind_barrier, .wait = reply.barrier_left});
  }
}

void Node::pass_on(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    if (std::ranges::find(warnings_, warning) != warnings_.end()) continue;
    events_.push_back({.kind = NodeEvent::Kind::store_warns, .warning = warning});
  }
  warnings_ = warnings;
}

Result<void> Node::learn_view(const SyncReply& reply, MonotonicTime now) {
  if (standing_->view && standing_->view->stamp == reply.view) return {};
  if (standing_->view && standing_->view->stamp.lineage == reply.view.lineage &&
      reply.view.epoch < standing_->view->stamp.epoch) {
    return failure(ErrorCode::outcome_unknown, "the store answered with an older view; it is ignored");
  }
  if (reply.members) return adopt(reply.view, *reply.members, now);
  if (reply.change && standing_->view && standing_->view->stamp == reply.change->base) {
    return adopt(reply.view, changed_members(standing_->view->members, *reply.change), now);
  }
  return failure(ErrorCode::internal, "the store answered with a view but without its members");
}

void Node::on_failure(const Error& error, MonotonicTime now) {
  sent_at_.reset();
  if (phase_ == Phase::finished) return;
  // A difference that cannot be read or applied would come again and again.
  asks_for_all_ |= error.code == ErrorCode::store_corrupt || error.code == ErrorCode::internal;
  const auto kind =
      is_permanent(error.code) ? NodeEvent::Kind::configuration_refused : NodeEvent::Kind::sync_failed;
  events_.push_back({.kind = kind, .error = error});
  if (phase_ == Phase::leaving && now >= phase_deadline_) return finish();
  if (phase_ == Phase::leaving && !saying_good_bye_) return;  // that one is due at once
  retry_later(now);
}

void Node::on_hint(const Hint& hint, MonotonicTime now) {
  if (hint.detail && learn_from(hint, now)) return;
  const Epoch adopted = standing_->view ? standing_->view->stamp.epoch : Epoch{};
  switch (hint.kind) {
    case Hint::Kind::view:
      due_ |= hint.epoch > adopted || hint.epoch == Epoch{};
      break;
    case Hint::Kind::settled:
      due_ |=
          hint.epoch > adopted || (!standing_->settled && (hint.epoch == adopted || hint.epoch == Epoch{}));
      break;
    case Hint::Kind::release:
      due_ |= hint.epoch > adopted || (standing_->settled && !standing_->held_by_others.empty());
      break;
    case Hint::Kind::drain:
      due_ |= phase_ == Phase::active;
      break;
    case Hint::Kind::unknown:
      due_ = true;
      break;
  }
}

/// Views that were heard of one after the other are adopted as one: a job that moved away and back has not
/// moved.
void Node::adopt_heard(MonotonicTime now) {
  const auto changes = std::exchange(heard_, {});
  if (changes.empty()) return;
  // Where it does not work out, the store's own answer decides.
  const bool adopted =
      lease_ && adopt(heard_view_, changed_members(standing_->view->members, merged(changes)), now);
  due_ |= !adopted;
}

/// True if the hint's detail has told all that a sync would. Adopting a view only takes rights away. That the
/// adopted view has settled stays true while it is the adopted one, and the jobs that are held under a
/// settled view only become fewer: so neither can come too late, as long as the lease holds.
bool Node::learn_from(const Hint& hint, MonotonicTime now) {
  if (!lease_ || now >= lease_->end() || !standing_->view) return false;
  const Hint::Detail& detail = *hint.detail;
  const bool is_adopted = standing_->view->stamp == detail.view;
  switch (hint.kind) {
    case Hint::Kind::view: {
      const ViewStamp& newest = heard_.empty() ? standing_->view->stamp : heard_view_;
      if (detail.change.base != newest) return is_adopted || detail.view == newest;
      heard_.push_back(detail.change);
      heard_view_ = detail.view;
      return true;
    }
    case Hint::Kind::settled:
      if (is_adopted && !standing_->settled) settle(detail.held);
      return is_adopted;
    case Hint::Kind::release: {
      if (!is_adopted || !standing_->settled) return false;
      std::vector<std::string> still;
      std::ranges::set_intersection(standing_->held_by_others, detail.held, std::back_inserter(still));
      settle(std::move(still));
      return true;
    }
    case Hint::Kind::drain:
    case Hint::Kind::unknown:
      return false;
  }
  return false;
}

void Node::on_release() {
  due_ = true;
}

void Node::drain(MonotonicTime now) {
  if (phase_ != Phase::active) return;
  phase_ = Phase::draining;
  phase_deadline_ = now + settings_.drain_grace;
  due_ = true;
  change_standing([](Standing& standing) { standing.granted = {}; });
  emit(NodeEvent::Kind::draining);
}

void Node::leave(MonotonicTime now) {
  drain(now);
  if (phase_ == Phase::draining) phase_deadline_ = now;
}

void Node::advance_drain(MonotonicTime now, const ClaimLedger& ledger) {
  switch (phase_) {
    case Phase::active:
    case Phase::finished:
      return;
    case Phase::draining:
      if (ledger.size() == 0) return begin_leaving(now);
      if (now < phase_deadline_) return;
      phase_ = Phase::overdue;
      phase_deadline_ = now + settings_.store_timeout;
      return emit(NodeEvent::Kind::grace_over);
    case Phase::overdue:
      if (ledger.size() == 0) return begin_leaving(now);
      // Goes in silence: the store keeps the jobs back until its own count of the lease is over.
      if (!lease_ || now >= phase_deadline_) finish();
      return;
    case Phase::leaving:
      if (now >= phase_deadline_ && !sent_at_) finish();
      return;
  }
}

void Node::begin_leaving(MonotonicTime now) {
  phase_ = Phase::leaving;
  phase_deadline_ = now + settings_.store_timeout;
  due_ = true;
}

void Node::finish() {
  phase_ = Phase::finished;
  if (lease_) lease_->finish();
  lease_.reset();
  change_standing([](Standing& standing) {
    standing.granted = {};
    standing.lease.reset();
  });
}

void Node::lose_lease(MonotonicTime now) {
  lease_->finish();
  lease_.reset();
  suspended_ = true;
  next_sync_ = std::min(next_sync_, now);
  change_standing([](Standing& standing) {
    standing.granted = {};
    standing.held_by_others.clear();
    standing.lease.reset();
    standing.settled = false;
  });
  emit(NodeEvent::Kind::lease_lost);
}

void Node::renew_lease(MonotonicTime end) {
  if (lease_) return lease_->extend(end);
  lease_ = std::make_shared<LeaseTerm>(end);
  suspended_ = false;
  change_standing([&](Standing& standing) { standing.lease = lease_; });
  emit(NodeEvent::Kind::lease_gained);
}

Result<void> Node::adopt(const ViewStamp& stamp, std::vector<NodeInfo> members, MonotonicTime now) {
  auto view = adopt_view(stamp, std::move(members), self_.id, settings_.config, standing_->view.get(), now);
  if (!view) return tl::unexpected(view.error());
  if (view->name_shared && !(standing_->view && standing_->view->name_shared)) {
    emit(NodeEvent::Kind::name_shared);
  }
  change_standing([&](Standing& standing) {
    standing.granted = standing.granted.intersect(view->owned);
    standing.settled = false;
    standing.view = std::make_shared<AdoptedView>(std::move(*view));
  });
  due_ = true;  // the acknowledgement
  emit(NodeEvent::Kind::view_adopted);
  return {};
}

/// R7. What is left of `granted` by an unsettled view stays as it is; the settled view decides anew. `held`:
/// jobs of other nodes' claims, ascending.
void Node::settle(std::vector<std::string> held) {
  if (standing_->settled && held == standing_->held_by_others) return;
  was_steady_ = true;
  change_standing([&](Standing& standing) {
    standing.settled = true;
    standing.held_by_others = std::move(held);
    if (phase_ == Phase::active) standing.granted = standing.view->owned;
  });
}

void Node::retry_later(MonotonicTime now) {
  const auto longest = std::min<nanoseconds>(settings_.config.heartbeat, std::chrono::seconds(1));
  const nanoseconds delay = std::min<nanoseconds>(kFirstRetry * (1u << std::min(failures_, 10u)), longest);
  ++failures_;
  due_ = false;
  next_sync_ = now + std::chrono::duration_cast<nanoseconds>(delay * jitter(0.5, 1.0));
}

template <class Change>
void Node::change_standing(Change change) {
  Standing changed = *standing_;
  change(changed);
  changed.state = present_state(changed);
  if (changed.state != standing_->state) {
    events_.push_back({.kind = NodeEvent::Kind::state_changed, .state = changed.state});
  }
  standing_ = std::make_shared<Standing>(std::move(changed));
}

NodeState Node::present_state(const Standing& standing) const noexcept {
  if (phase_ == Phase::finished) return NodeState::stopped;
  if (phase_ != Phase::active) return NodeState::draining;
  if (suspended_) return NodeState::suspended;
  if (standing.settled) return NodeState::steady;
  return was_steady_ ? NodeState::upgrading : NodeState::joining;
}

MonotonicTime Node::next_wakeup() const {
  MonotonicTime wakeup = MonotonicTime::max();
  if (lease_) wakeup = std::min(wakeup, lease_->end());
  const bool timed = phase_ == Phase::draining || phase_ == Phase::overdue ||
                     (phase_ == Phase::leaving && !sent_at_);  // a good-bye under way has its own deadline
  if (timed) wakeup = std::min(wakeup, phase_deadline_);
  const bool silent = phase_ == Phase::overdue || phase_ == Phase::finished;
  if (!silent && !sent_at_) wakeup = std::min(wakeup, due_ ? MonotonicTime{} : next_sync_);
  return wakeup;
}

MonotonicTime Node::call_deadline(MonotonicTime now) const {
  MonotonicTime deadline = now + settings_.store_timeout;
  if (phase_ == Phase::leaving) deadline = std::min(deadline, phase_deadline_);
  return lease_ ? std::min(deadline, lease_->end()) : deadline;
}

std::vector<NodeEvent> Node::take_events() {
  return std::exchange(events_, {});
}

/// What a reply is worth, counted from before its request was sent: the store's lease, less what a step of
/// its clock may take from it, less what the two clocks' rates may differ by.
nanoseconds Node::lease_given(const SyncReply& reply) const {
  const PoolConfig& config = settings_.config;
  const nanoseconds lease = reply.lease ? nanoseconds(*reply.lease) : nanoseconds(config.lease);
  const nanoseconds step = reply.lease ? nanoseconds(0) : nanoseconds(clock_step_cap(config));
  return lease - step - std::chrono::duration_cast<nanoseconds>(lease * settings_.max_clock_drift);
}

/// SplitMix64 (Steele, Lea, Flood 2014), scaled to [least, most).
double Node::jitter(double least, double most) {
  random_ += 0x9e3779b97f4a7c15u;
  std::uint64_t mixed = random_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  mixed ^= mixed >> 31;
  return least + (most - least) * (static_cast<double>(mixed >> 11) * 0x1.0p-53);
}

}  // namespace nodepool
