#include "core/standing.hpp"

namespace nodepool {
namespace {

/// The placement of a view by the rule of the pool; changed from the one before where that had the same rule.
Result<Placement> place(const PoolConfig& config, std::vector<RingNode> places, const AdoptedView* before) {
  const auto kind = parse_placement_kind(config.hash);
  if (!kind) return tl::unexpected(kind.error());
  const bool same_rule = before != nullptr && before->placement.kind() == *kind &&
                         (*kind != PlacementKind::ring || before->placement.points() == config.points);
  return same_rule ? before->placement.changed_to(std::move(places))
                   : Placement::build(*kind, std::move(places), config.points);
}

}  // namespace

Reason reason_of(NodeState state) noexcept {
  switch (state) {
    case NodeState::joining:
      return Reason::joining;
    case NodeState::draining:
      return Reason::draining;
    case NodeState::suspended:
      return Reason::lease_lost;
    case NodeState::stopped:
      return Reason::stopped;
    case NodeState::upgrading:
    case NodeState::steady:
      break;
  }
  return Reason::owner;
}

const NodeInfo* AdoptedView::owner(std::string_view job) const noexcept {
  const RingNode* place = placement.owner(job);
  if (place == nullptr) return nullptr;
  const auto by_name = [](const NodeInfo& info, const std::string& name) { return info.name.str() < name; };
  auto member = std::lower_bound(members.begin(), members.end(), place->name, by_name);
  while (member != members.end() && member->draining) ++member;  // of one name, the first that does not drain
  return member == members.end() ? nullptr : &*member;
}

Result<AdoptedView> adopt_view(const ViewStamp& stamp, std::vector<NodeInfo> members, const NodeId& self,
                               const PoolConfig& config, const AdoptedView* before, MonotonicTime now) {
  AdoptedView view{.stamp = stamp, .members = std::move(members), .adopted_at = now};
  const auto me = std::ranges::find(view.members, self, &NodeInfo::id);
  if (me == view.members.end()) {
    return failure(ErrorCode::internal, "the store's view does not have this node; it is ignored");
  }
  const auto first = std::ranges::lower_bound(view.members, me->name, {}, &NodeInfo::name);
  const auto last = std::ranges::upper_bound(view.members, me->name, {}, &NodeInfo::name);
  view.name_shared = last - first > 1;
  auto placement = place(config, places_of(view.members), before);
  if (!placement) return tl::unexpected(placement.error());
  view.placement = *std::move(placement);
  const auto standing_there = std::find_if(first, last, [](const NodeInfo& info) { return !info.draining; });
  if (standing_there != last && standing_there->id == self) {
    view.owned = view.placement.arcs_of(me->name.str());
  }
  return view;
}

bool is_held_by_other(const Standing& standing, std::string_view job) noexcept {
  return std::binary_search(standing.held_by_others.begin(), standing.held_by_others.end(), job);
}

Reason refusal(const Standing& standing, std::uint64_t hash) noexcept {
  const Reason reason = reason_of(standing.state);
  if (reason != Reason::owner) return reason;
  return standing.view && standing.view->owned.contains(hash) ? Reason::settling : Reason::not_owner;
}

Decision decide(const Standing& standing, std::string_view job, MonotonicTime now) noexcept {
  return decide(standing, JobKey{job, hash_key(job)}, [now] { return now; });
}

}  // namespace nodepool
