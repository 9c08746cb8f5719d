#include "nodepool/view_store.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/view_change.hpp"

namespace nodepool {
namespace {

using std::chrono::microseconds;

/// How long an unsettled view of a large pool makes evictions and admissions wait at most.
microseconds batch_time(const PoolConfig& config) {
  return microseconds(config.heartbeat) / 4;
}

/// The bytes of a step's text: a line for each node.
std::size_t text_size(const ViewChange& change) {
  std::size_t size = 0;
  for (const NodeId& id : change.gone) size += 2 + id.str().size();
  for (const NodeInfo& node : change.present) size += 2 + encode_node(node).size();
  return size;
}

/// One call of apply_sync, rule by rule. The rules' names are those of docs/protocol.md.
class Sync {
 public:
  Sync(PoolState& state, const SyncRequest& request, const StoreNow& now, bool fresh)
      : state_(state), request_(request), now_(now), fresh_(fresh) {}

  SyncOutcome run() {
    advance_clock();
    batch_is_due_ = batch_is_due();
    was_member_ = state_.members.contains(request_.node.id);
    if (batch_is_due_) evict();
    check_lineage();
    admit_or_remove();
    bump();
    renew();
    settle();
    reply();
    return std::move(outcome_);
  }

 private:
  /// R1: a step of the server's clock adds at most the cap; a backward step adds nothing.
  void advance_clock() {
    state_.clock += std::clamp(now_.time - state_.last_time, microseconds(0), clock_step_cap(state_.config));
    state_.last_time = now_.time;
  }

  /// Evictions and admissions of a large pool wait for each other while a young view settles; any new view
  /// takes along all who are late and all who wait.
  [[nodiscard]] bool batch_is_due() const {
    return state_.members.size() < now_.batches_from || state_.settled ||
           view_age() >= batch_time(state_.config);
  }

  /// R2: members whose lease ran out on the pool's clock are gone, with their holds. Not the caller: nobody
  /// has taken over from it, and it is alive.
  void evict() {
    std::erase_if(state_.members, [&](const auto& entry) {
      const auto& [id, member] = entry;
      const bool goes = member.lease_until <= state_.clock && id != request_.node.id;
      if (goes) gone_.insert(id);
      return goes;
    });
    changed_ |= !gone_.empty();
  }

  /// R3: where the store may have lost writes, nothing settles for one whole lease.
  void check_lineage() {
    const ViewStamp& known = request_.known;
    const ViewStamp& view = state_.view;
    const bool ancestor = known.empty() || (known.lineage == view.lineage && known.epoch <= view.epoch &&
                                            (known.epoch != view.epoch || known.view_id == view.view_id));
    const bool first_of_all = fresh_ && now_.proven_fresh && known.empty();
    if (first_of_all || (!fresh_ && ancestor && state_.run_id == now_.run_id)) return;
    const auto lease = std::max(state_.config.lease, request_.config.lease);
    state_.run_id = now_.run_id;
    state_.barrier_until = std::max(state_.barrier_until, state_.clock + microseconds(lease));
    changed_ = true;
  }

  void admit_or_remove() {
    if (state_.config != request_.config) {  // allowed only where no member lives: see refusal()
      state_.config = request_.config;
      state_.waiting.clear();
      changed_ = true;
    }
    const NodeId& caller = request_.node.id;
    if (request_.intent == Intent::leaving) {
      state_.waiting.erase(caller);
      if (state_.members.erase(caller) > 0) gone_.insert(caller);
    } else if (!was_member_) {
      state_.waiting[caller] = {request_.node, state_.clock + state_.config.lease, request_.sequence};
      newcomer_ = true;
    } else if (state_.members[caller].info != request_.node) {
      state_.members[caller].info = request_.node;
      present_.insert(caller);
    }
    changed_ |= !gone_.empty() || !present_.empty();
    if (changed_) evict();
    if (changed_ || (newcomer_ && batch_is_due_)) admit_all();
  }

  [[nodiscard]] microseconds view_age() const { return state_.clock - state_.view_since; }
  [[nodiscard]] microseconds next_batch_in() const {
    return state_.settled ? microseconds(0) : batch_time(state_.config) - view_age();
  }

  /// Everybody who waits, the caller among them if it is new. Who has not asked for a lease's time is
  /// forgotten.
  void admit_all() {
    for (auto& [id, waiting] : std::exchange(state_.waiting, {})) {
      if (waiting.lease_until <= state_.clock) continue;
      state_.members[id] = {
          .info = std::move(waiting.info), .lease_until = waiting.lease_until, .sequence = waiting.sequence};
      gone_.erase(id);
      present_.insert(id);
      changed_ = true;
    }
  }

  /// R4: a new view, which nobody has acknowledged yet. Its epoch is also greater than the civil time: so it
  /// grows even where the store has lost epochs that no living node remembers.
  void bump() {
    if (!changed_) return;
    const auto unix_time = static_cast<std::uint64_t>(now_.unix_time.count());
    const ViewStamp base = state_.view;
    state_.view.epoch.value = std::max({base.epoch.value, request_.known.epoch.value, unix_time}) + 1;
    state_.view.view_id = request_.nonce;
    state_.view_since = state_.clock;
    state_.settled = false;
    for (auto& [id, member] : state_.members) member.acknowledged = false;
    remember_step(base);
    Hint hint{Hint::Kind::view, state_.view.epoch, std::nullopt};
    if (!state_.steps.empty()) hint.detail = {state_.view, state_.steps.front().change, {}};
    outcome_.publish.push_back(std::move(hint));
  }

  void remember_step(const ViewStamp& base) {
    ViewChange change{.base = base, .gone = {gone_.begin(), gone_.end()}, .present = {}};
    for (const NodeId& id : present_) change.present.push_back(state_.members.at(id).info);
    sort_members(change.present);
    if (base.view_id.empty() || text_size(change) > kMaxStepBytes) return state_.steps.clear();
    state_.steps.insert(state_.steps.begin(), {state_.view.view_id, std::move(change)});
    if (state_.steps.size() > kMaxSteps) state_.steps.pop_back();
  }

  /// A hint about the present view that tells which jobs are held. REQUIRES: it has settled; before, a member
  /// may not have told its holds, and who heard of it later would take its jobs for free.
  [[nodiscard]] Hint hint_with_holds(Hint::Kind kind) const {
    std::set<std::string> held;
    for (const auto& [id, member] : state_.members) held.insert(member.held.begin(), member.held.end());
    Hint hint{kind, state_.view.epoch, std::nullopt};
    if (held.size() <= kMaxHintJobs) hint.detail = {state_.view, {}, {held.begin(), held.end()}};
    return hint;
  }

  /// R5: the lease, the holds and the acknowledgement. Holds of a caller that was admitted just now are from
  /// an earlier membership: it sends them again with its acknowledgement, before which nothing settles.
  void renew() {
    const auto found = state_.members.find(request_.node.id);
    if (found == state_.members.end()) return;
    MemberState& member = found->second;
    member.lease_until = state_.clock + state_.config.lease;
    member.sequence = request_.sequence;
    if (was_member_) {
      released_ = !std::ranges::includes(request_.held, member.held);
      member.held = request_.held;
    }
    if (request_.known == state_.view) member.acknowledged = true;
  }

  /// R6: settled once every member has acknowledged this very view, and no barrier is pending.
  void settle() {
    const bool settled =
        state_.clock >= state_.barrier_until &&
        std::ranges::all_of(state_.members, [](const auto& entry) { return entry.second.acknowledged; });
    const bool announce = settled && !state_.settled;
    state_.settled = settled;
    if (announce) {
      outcome_.publish.push_back(hint_with_holds(Hint::Kind::settled));
    } else if (settled && released_) {
      outcome_.publish.push_back(hint_with_holds(Hint::Kind::release));
    }
  }

  void reply() {
    SyncReply& reply = outcome_.reply;
    reply.view = state_.view;
    reply.settled = state_.settled;
    reply.pool_clock = state_.clock;
    reply.barrier_left = std::max(microseconds(0), state_.barrier_until - state_.clock);
    reply.waiting = state_.waiting.contains(request_.node.id);
    if (reply.waiting) {
      reply.look_again_in = next_batch_in();
      return;
    }
    microseconds lease_left = microseconds::max();
    for (const auto& [id, member] : state_.members) {
      if (id == request_.node.id) {
        reply.drain_requested = member.drain_requested;
        continue;
      }
      lease_left = std::min(lease_left, member.lease_until - state_.clock);
      for (const std::string& job : member.held) reply.holds_of_others.push_back({id, job});
    }
    microseconds look = lease_left > microseconds(0) ? lease_left : next_batch_in();
    if (reply.barrier_left > microseconds(0)) look = std::min(look, reply.barrier_left);
    if (look <= state_.config.heartbeat) reply.look_again_in = look;
    if (request_.known != state_.view) tell_members();
  }

  /// As little as brings the caller from the view it knows to the present one.
  void tell_members() {
    SyncReply& reply = outcome_.reply;
    const auto knows = [&](const ViewStep& step) { return step.change.base == request_.known; };
    const auto oldest = std::ranges::find_if(state_.steps, knows);
    if (oldest != state_.steps.end()) {
      std::vector<ViewChange> changes;
      for (auto step = std::make_reverse_iterator(std::next(oldest)); step != state_.steps.rend(); ++step) {
        changes.push_back(step->change);
      }
      reply.change = merged(changes);
      return;
    }
    reply.members.emplace();
    for (const auto& [id, member] : state_.members) reply.members->push_back(member.info);
    sort_members(*reply.members);
  }

  PoolState& state_;
  const SyncRequest& request_;
  const StoreNow& now_;
  const bool fresh_;
  bool was_member_ = false;
  bool changed_ = false;   ///< The members, the configuration or the lineage: needs a new view.
  bool released_ = false;  ///< A hold of the caller's is gone.
  bool newcomer_ = false;
  bool batch_is_due_ = false;  ///< Evictions and admissions need wait no longer.
  std::set<NodeId> gone_;      ///< Members of the view before that are none now.
  std::set<NodeId> present_;   ///< Members that are new, or have another record.
  SyncOutcome outcome_;
};

std::optional<std::uint64_t> newest_seen(const PoolState& state, const NodeId& node) {
  if (const auto member = state.members.find(node); member != state.members.end()) {
    return member->second.sequence;
  }
  const auto waiting = state.waiting.find(node);
  return waiting == state.waiting.end() ? std::nullopt : std::optional(waiting->second.sequence);
}

/// Why the request must not touch the state at all, if it must not.
std::optional<Error> refusal(const PoolState& state, const SyncRequest& request, const StoreNow& now) {
  if (request.config != state.config) {
    const auto clock =
        state.clock + std::clamp(now.time - state.last_time, microseconds(0), clock_step_cap(state.config));
    const bool inhabited = std::ranges::any_of(
        state.members, [&](const auto& entry) { return entry.second.lease_until > clock; });
    if (inhabited) {
      return Error{ErrorCode::config_mismatch,
                   fmt::format("the pool runs with [{}] but this node came with [{}]; give all nodes of a "
                               "service the same settings",
                               to_string(state.config), to_string(request.config))};
    }
  }
  const auto seen = newest_seen(state, request.node.id);
  if (!seen || request.sequence > *seen) return std::nullopt;
  return Error{ErrorCode::outcome_unknown,
               fmt::format("request {} of node {} came after request {}; it was ignored", request.sequence,
                           request.node.id.str(), *seen)};
}

PoolState fresh_state(const SyncRequest& request, const StoreNow& now) {
  PoolState state;
  state.config = request.config;
  state.view.lineage = request.nonce;
  state.run_id = now.run_id;
  state.last_time = now.time;
  return state;
}

}  // namespace

Result<SyncOutcome> apply_sync(std::optional<PoolState>& state, const SyncRequest& request,
                               const StoreNow& now) {
  const bool fresh = !state.has_value();
  if (fresh && request.intent == Intent::leaving) return SyncOutcome{};
  if (fresh) {
    state = fresh_state(request, now);
  } else if (auto refused = refusal(*state, request, now)) {
    return tl::unexpected(std::move(*refused));
  }
  return Sync(*state, request, now, fresh).run();
}

PoolStatus status_of(const PoolState& state) {
  PoolStatus status{.config = state.config,
                    .view = state.view,
                    .settled = state.settled,
                    .barrier_left = std::max(microseconds(0), state.barrier_until - state.clock),
                    .members = {}};
  for (const auto& [id, member] : state.members) {
    status.members.push_back({.info = member.info,
                              .lease_left = member.lease_until - state.clock,
                              .acknowledged = member.acknowledged,
                              .drain_requested = member.drain_requested,
                              .held = member.held});
  }
  std::ranges::stable_sort(status.members, {}, [](const MemberStatus& member) { return member.info.name; });
  return status;
}

Result<Hint> apply_drain_request(PoolState& state, const NodeId& node) {
  const auto member = state.members.find(node);
  if (member == state.members.end()) {
    return failure(ErrorCode::not_found, fmt::format("node {} is not a member of the pool", node.str()));
  }
  member->second.drain_requested = true;
  return Hint{Hint::Kind::drain, state.view.epoch, std::nullopt};
}

}  // namespace nodepool
