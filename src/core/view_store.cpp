#include "nodepool/view_store.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace nodepool {
namespace {

using std::chrono::microseconds;

/// One call of apply_sync, rule by rule. The rules' names are those of docs/protocol.md.
class Sync {
 public:
  Sync(PoolState& state, const SyncRequest& request, const StoreNow& now, bool fresh)
      : state_(state), request_(request), now_(now), fresh_(fresh) {}

  SyncOutcome run() {
    advance_clock();
    evict();
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

  /// R2: members whose lease ran out on the pool's clock are gone, with their holds.
  void evict() {
    changed_ |= std::erase_if(state_.members, [&](const auto& entry) {
                  return entry.second.lease_until <= state_.clock;
                }) > 0;
    was_member_ = state_.members.contains(request_.node.id);
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
      changed_ = true;
    }
    if (request_.intent == Intent::leaving) {
      changed_ |= state_.members.erase(request_.node.id) > 0;
      return;
    }
    MemberState& member = state_.members[request_.node.id];
    if (was_member_ && member.info == request_.node) return;
    member.info = request_.node;
    changed_ = true;
  }

  /// R4: a new view, which nobody has acknowledged yet. Its epoch is also greater than the civil time: so it
  /// grows even where the store has lost epochs that no living node remembers.
  void bump() {
    if (!changed_) return;
    const auto unix_time = static_cast<std::uint64_t>(now_.unix_time.count());
    state_.view.epoch.value = std::max({state_.view.epoch.value, request_.known.epoch.value, unix_time}) + 1;
    state_.view.view_id = request_.nonce;
    state_.settled = false;
    for (auto& [id, member] : state_.members) member.acknowledged = false;
    outcome_.publish.push_back({Hint::Kind::view, state_.view.epoch});
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
      if (!std::ranges::includes(request_.held, member.held)) {
        outcome_.publish.push_back({Hint::Kind::release, state_.view.epoch});
      }
      member.held = request_.held;
    }
    if (request_.known == state_.view) member.acknowledged = true;
  }

  /// R6: settled once every member has acknowledged this very view, and no barrier is pending.
  void settle() {
    const bool settled =
        state_.clock >= state_.barrier_until &&
        std::ranges::all_of(state_.members, [](const auto& entry) { return entry.second.acknowledged; });
    if (settled && !state_.settled) outcome_.publish.push_back({Hint::Kind::settled, state_.view.epoch});
    state_.settled = settled;
  }

  void reply() {
    SyncReply& reply = outcome_.reply;
    reply.view = state_.view;
    reply.settled = state_.settled;
    reply.pool_clock = state_.clock;
    reply.barrier_left = std::max(microseconds(0), state_.barrier_until - state_.clock);
    microseconds look = reply.barrier_left > microseconds(0) ? reply.barrier_left : microseconds::max();
    for (const auto& [id, member] : state_.members) {
      if (id == request_.node.id) {
        reply.drain_requested = member.drain_requested;
        continue;
      }
      look = std::min(look, member.lease_until - state_.clock);
      for (const std::string& job : member.held) reply.holds_of_others.push_back({id, job});
    }
    if (look <= state_.config.heartbeat) reply.look_again_in = look;
    if (request_.known != state_.view) {
      reply.members.emplace();
      for (const auto& [id, member] : state_.members) reply.members->push_back(member.info);
      std::ranges::stable_sort(*reply.members, {}, &NodeInfo::name);
    }
  }

  PoolState& state_;
  const SyncRequest& request_;
  const StoreNow& now_;
  const bool fresh_;
  bool was_member_ = false;
  bool changed_ = false;  ///< The members, the configuration or the lineage: needs a new view.
  SyncOutcome outcome_;
};

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
  const auto member = state.members.find(request.node.id);
  if (member != state.members.end() && request.sequence <= member->second.sequence) {
    return Error{ErrorCode::outcome_unknown,
                 fmt::format("request {} of node {} came after request {}; it was ignored", request.sequence,
                             request.node.id.str(), member->second.sequence)};
  }
  return std::nullopt;
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
  return Hint{Hint::Kind::drain, state.view.epoch};
}

}  // namespace nodepool
