#include "simulation/checkers.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace nodepool::simulation {

void OneOwnerChecker::after_change(const SimNode& changed) const {
  if (!changed.up()) return;
  for (const std::string& job : jobs_) {
    if (!changed.decide(job)) continue;
    for (const auto& other : nodes_) {
      if (other.get() == &changed || !other->up()) continue;
      if (other->decide(job)) {
        world_.violate(fmt::format("{} is eligible on {} and on {}", job, changed.name(), other->name()));
      }
      const bool held = std::ranges::any_of(
          other->claims(), [&](const SimClaim& claim) { return claim.job == job && other->holds(claim); });
      if (held) {
        world_.violate(fmt::format("{} is eligible on {} while {} holds a claim of it", job, changed.name(),
                                   other->name()));
      }
    }
  }
}

void UnmovedJobsChecker::after_change(const SimNode& changed) {
  for (const std::string& job : jobs_) {
    const Decision decision = changed.up() ? changed.decide(job) : Decision{};
    Last& last = last_[{changed.name(), job}];
    const bool fenced = decision.reason == Reason::lease_lost || changed.fences() > last.fences;
    const bool goes = decision.reason == Reason::draining || decision.reason == Reason::stopped;
    const bool moved = decision.reason == Reason::not_owner;
    if (last.yes && !decision && !moved && !goes && !fenced) {
      world_.violate(fmt::format("{} paused on {} without having moved: {}", job, changed.name(),
                                 to_string(decision.reason)));
    }
    if (last.yes && fenced && fault_free_)
      world_.violate(fmt::format("{} lost its lease without a fault", changed.name()));
    last = {static_cast<bool>(decision), changed.fences()};
  }
}

void TokenChecker::after_claim(const SimNode& node, const SimClaim& claim) {
  const auto last = last_.find(claim.job);
  if (last != last_.end()) {
    const bool same = last->second.node == node.id().str();
    const bool grows = same ? claim.token >= last->second.token : claim.token > last->second.token;
    if (!grows) {
      world_.violate(fmt::format("{} was claimed by {} with token {} after token {} of {}", claim.job,
                                 node.name(), claim.token.value, last->second.token.value,
                                 last->second.node));
    }
  }
  last_[claim.job] = {node.id().str(), claim.token};
}

void StoreChecker::after_request(const std::optional<PoolState>& state) {
  if (!state) return;
  std::string members;
  for (const auto& [id, member] : state->members) members += encode_node(member.info);
  const auto [known, added] = members_.try_emplace({state->view.epoch.value, state->view.view_id}, members);
  if (!added && known->second != members) {
    world_.violate(fmt::format("view {} stands for two memberships", state->view.view_id));
  }
  const bool unacknowledged =
      std::ranges::any_of(state->members, [](const auto& m) { return !m.second.acknowledged; });
  if (state->settled && (unacknowledged || state->clock < state->barrier_until)) {
    world_.violate("the store calls a view settled that is not");
  }
}

void check_all_settled(const World& world, const Nodes& nodes, const std::vector<std::string>& jobs) {
  const SimNode* first = nullptr;
  for (const auto& node : nodes) {
    if (!node->up()) continue;
    if (node->standing().state != NodeState::steady) {
      world.violate(fmt::format("{} is still {}", node->name(), to_string(node->standing().state)));
    }
    if (first == nullptr) first = node.get();
    if (node->standing().view->stamp != first->standing().view->stamp) {
      world.violate(fmt::format("{} and {} are steady in different views", node->name(), first->name()));
    }
  }
  for (const std::string& job : jobs) {
    const auto owners =
        std::ranges::count_if(nodes, [&](const auto& node) { return node->up() && node->decide(job); });
    const bool held = std::ranges::any_of(nodes, [&](const auto& node) {
      return std::ranges::any_of(node->claims(), [&](const SimClaim& claim) { return claim.job == job; });
    });
    if (first != nullptr && owners != 1 && !(owners == 0 && held)) {
      world.violate(fmt::format("{} has {} owners after everything has settled", job, owners));
    }
  }
}

}  // namespace nodepool::simulation
