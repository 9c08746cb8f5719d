#include "core/view_change.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace nodepool {
namespace {

bool by_name_and_id(const NodeInfo& left, const NodeInfo& right) noexcept {
  return std::tie(left.name, left.id) < std::tie(right.name, right.id);
}

}  // namespace

void sort_members(std::vector<NodeInfo>& members) {
  std::ranges::sort(members, by_name_and_id);
}

std::vector<NodeInfo> changed_members(const std::vector<NodeInfo>& members, const ViewChange& change) {
  std::set<NodeId> replaced(change.gone.begin(), change.gone.end());
  for (const NodeInfo& node : change.present) replaced.insert(node.id);
  std::vector<NodeInfo> kept;
  kept.reserve(members.size() + change.present.size());
  std::ranges::copy_if(members, std::back_inserter(kept),
                       [&](const NodeInfo& node) { return !replaced.contains(node.id); });
  const auto middle = static_cast<std::ptrdiff_t>(kept.size());
  kept.insert(kept.end(), change.present.begin(), change.present.end());
  std::inplace_merge(kept.begin(), kept.begin() + middle, kept.end(), by_name_and_id);
  return kept;
}

ViewChange merged(const std::vector<ViewChange>& changes) {
  std::set<NodeId> gone;
  std::map<NodeId, NodeInfo> present;
  for (const ViewChange& change : changes) {
    for (const NodeId& id : change.gone) {
      gone.insert(id);
      present.erase(id);
    }
    for (const NodeInfo& node : change.present) {
      gone.erase(node.id);
      present.insert_or_assign(node.id, node);
    }
  }
  ViewChange all{.base = changes.empty() ? ViewStamp{} : changes.front().base};
  all.gone.assign(gone.begin(), gone.end());
  for (auto& [id, node] : present) all.present.push_back(std::move(node));
  sort_members(all.present);
  return all;
}

}  // namespace nodepool
