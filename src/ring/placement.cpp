#include "nodepool/placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ring/slots.hpp"

namespace nodepool {
namespace {

constexpr unsigned slot_bits(PlacementKind kind) noexcept {
  return kind == PlacementKind::rendezvous_fine ? 20 : 16;
}

/// Sorts the nodes. Whatever is wrong with them is told in the ring's words.
Result<void> check_and_sort(std::vector<RingNode>& nodes) {
  std::ranges::sort(nodes);
  const auto is_bad = [](const RingNode& node) {
    return node.name.empty() || node.weight == 0 || node.weight > kMaxWeight;
  };
  const auto twin = std::ranges::adjacent_find(nodes, {}, &RingNode::name);
  if (twin != nodes.end() || std::ranges::any_of(nodes, is_bad)) {
    return HashRing::build(nodes, 1).map([](const HashRing&) {});
  }
  if (nodes.size() > ring::SlotTable::kMaxNodes) {
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("rendezvous slots cannot be divided among {} nodes; use the ring for more than {}",
                    nodes.size(), ring::SlotTable::kMaxNodes));
  }
  return {};
}

}  // namespace

std::string_view to_string(PlacementKind kind) noexcept {
  switch (kind) {
    case PlacementKind::ring:
      return "xxh64-ring";
    case PlacementKind::rendezvous:
      return "rendezvous-16";
    case PlacementKind::rendezvous_fine:
      return "rendezvous-20";
  }
  return {};
}

Result<PlacementKind> parse_placement_kind(std::string_view name) {
  for (const auto kind : {PlacementKind::ring, PlacementKind::rendezvous, PlacementKind::rendezvous_fine}) {
    if (name == to_string(kind)) return kind;
  }
  return failure(ErrorCode::unsupported,
                 fmt::format("the pool places its jobs by \"{}\", which this version does not know; use the "
                             "version that its nodes use",
                             name.substr(0, 40)));
}

Placement::Placement(HashRing ring) noexcept : ring_(std::move(ring)) {}

Placement::Placement(PlacementKind kind, ring::SlotTable slots)
    : kind_(kind), slots_(std::make_shared<const ring::SlotTable>(std::move(slots))) {
  if (slots_->nodes().empty()) return;
  slot_owners_ = slots_->owners().data();
  slot_nodes_ = slots_->nodes().data();
  slot_shift_ = 64 - slots_->bits();
}

Result<Placement> Placement::build(PlacementKind kind, std::vector<RingNode> nodes, unsigned points) {
  if (kind == PlacementKind::ring) {
    return HashRing::build(std::move(nodes), points).map([](HashRing&& ring) {
      return Placement(std::move(ring));
    });
  }
  if (auto checked = check_and_sort(nodes); !checked) return tl::unexpected(std::move(checked).error());
  return Placement(kind, ring::SlotTable::build(std::move(nodes), slot_bits(kind)));
}

Result<Placement> Placement::changed_to(std::vector<RingNode> nodes) const {
  if (!slots_) {
    return ring_.changed_to(std::move(nodes)).map([](HashRing&& ring) { return Placement(std::move(ring)); });
  }
  if (auto checked = check_and_sort(nodes); !checked) return tl::unexpected(std::move(checked).error());
  return Placement(kind_, slots_->changed_to(std::move(nodes)));
}

const RingNode* Placement::owner(std::string_view key) const noexcept {
  return owner_of_hash(hash_key(key));
}

ArcSet Placement::arcs_of(std::string_view name) const {
  return slots_ ? slots_->arcs_of(name) : ring_.arcs_of(name);
}

const std::vector<RingNode>& Placement::nodes() const noexcept {
  return slots_ ? slots_->nodes() : ring_.nodes();
}

unsigned Placement::points() const noexcept {
  return ring_.points();
}

std::vector<RingNode> places_of(const std::vector<NodeInfo>& members) {
  std::vector<RingNode> places;
  places.reserve(members.size());
  for (const NodeInfo& member : members) {
    if (member.draining || (!places.empty() && places.back().name == member.name.str())) continue;
    places.push_back({member.name.str(), member.weight});
  }
  return places;
}

}  // namespace nodepool
