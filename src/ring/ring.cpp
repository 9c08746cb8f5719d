#include "nodepool/ring.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "ring/table.hpp"
#include "ring/xxh64.hpp"

namespace nodepool {
namespace {

/// A name as it can be shown: bytes that would garble a log line are written as \xNN.
std::string quoted(std::string_view name) {
  std::string text = "\"";
  for (const char byte : name) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value == 0x7f || byte == '"' || byte == '\\') {
      fmt::format_to(std::back_inserter(text), "\\x{:02x}", value);
    } else {
      text += byte;
    }
  }
  return text + '"';
}

Result<void> check_points(unsigned points) {
  if (points == 0 || points > kMaxPoints) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("the ring cannot have {} points per unit of weight; give 1 to {} to build",
                               points, kMaxPoints));
  }
  return {};
}

Result<void> check_node(const RingNode& node) {
  if (node.name.empty()) {
    return failure(ErrorCode::invalid_argument,
                   "a node of the ring has an empty name; give each node a name");
  }
  if (node.weight == 0 || node.weight > kMaxWeight) {
    return failure(ErrorCode::invalid_argument, fmt::format("the node {} has weight {}; give it 1 to {}",
                                                            quoted(node.name), node.weight, kMaxWeight));
  }
  return {};
}

/// Sorts the nodes by name if all is well.
Result<void> check(std::vector<RingNode>& nodes, unsigned points) {
  if (auto checked = check_points(points); !checked) {
    return checked;
  }
  for (const RingNode& node : nodes) {
    if (auto checked = check_node(node); !checked) {
      return checked;
    }
  }
  if (!std::ranges::is_sorted(nodes)) {
    std::ranges::sort(nodes);
  }
  const auto twin = std::ranges::adjacent_find(nodes, {}, &RingNode::name);
  if (twin != nodes.end()) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("the name {} is on the ring twice; give each node a name of its own",
                               quoted(twin->name)));
  }
  return {};
}

}  // namespace

HashRing::HashRing() = default;

HashRing::HashRing(std::shared_ptr<const ring::Table> table) : table_(std::move(table)) {}

const ring::Table& HashRing::table() const noexcept {
  static const ring::Table kNone;
  return table_ ? *table_ : kNone;
}

Result<HashRing> HashRing::build(std::vector<RingNode> nodes, unsigned points) {
  if (auto checked = check(nodes, points); !checked) {
    return tl::unexpected(std::move(checked).error());
  }
  return HashRing(ring::build_table(std::move(nodes), points));
}

Result<HashRing> HashRing::with(RingNode node) const {
  std::vector<RingNode> nodes;
  nodes.reserve(table().nodes.size() + 1);
  const auto place = std::ranges::upper_bound(table().nodes, node);
  nodes.insert(nodes.end(), table().nodes.begin(), place);
  nodes.push_back(std::move(node));
  nodes.insert(nodes.end(), place, table().nodes.end());
  return changed_to(std::move(nodes));
}

HashRing HashRing::without(std::string_view name) const {
  const auto place = static_cast<std::ptrdiff_t>(table().place_of(name));
  if (place == std::ssize(table().nodes)) {
    return *this;
  }
  std::vector<RingNode> nodes;
  nodes.reserve(table().nodes.size());
  nodes.insert(nodes.end(), table().nodes.begin(), table().nodes.begin() + place);
  nodes.insert(nodes.end(), table().nodes.begin() + place + 1, table().nodes.end());
  return HashRing(ring::change_table(table(), std::move(nodes)));
}

Result<HashRing> HashRing::changed_to(std::vector<RingNode> nodes) const {
  if (auto checked = check(nodes, points()); !checked) {
    return tl::unexpected(std::move(checked).error());
  }
  return HashRing(ring::change_table(table(), std::move(nodes)));
}

const RingNode* HashRing::owner(std::string_view key) const noexcept {
  return table_ ? table_->owner(ring::xxh64::hash(key)) : nullptr;
}

const RingNode* HashRing::owner_of_hash(std::uint64_t hash) const noexcept {
  return table_ ? table_->owner(hash) : nullptr;
}

void HashRing::owner_batch(std::span<const std::uint64_t> hashes,
                           std::span<const RingNode*> owners) const noexcept {
  const ring::Table& table = this->table();
  constexpr std::size_t kAhead = 16;
  const bool looks_ahead = table.look_up.is_great() && hashes.size() > kAhead;
  const std::size_t last_ahead = looks_ahead ? hashes.size() - kAhead : 0;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    if (i < last_ahead) {
      table.look_up.prefetch(hashes[i + kAhead]);
    }
    owners[i] = table.owner(hashes[i]);
  }
}

std::vector<const RingNode*> HashRing::owners(std::string_view key, std::size_t count) const {
  std::vector<const RingNode*> found;
  const ring::Points& points = table().points;
  const std::size_t wanted = std::min(count, table().nodes.size());
  if (wanted == 0) {
    return found;
  }
  found.reserve(wanted);
  std::vector<bool> met(table().node_of.size());
  std::size_t at = table().look_up.find(points, hash_key(key));
  // One full turn at most: a node whose points are all shadowed is never met.
  for (std::size_t i = 0; i < points.hashes.size() && found.size() < wanted; ++i) {
    const ring::OwnerIndex owner = points.owners[at];
    if (!met[owner]) {
      met[owner] = true;
      found.push_back(table().node_of[owner]);
    }
    at = at + 1 == points.hashes.size() ? 0 : at + 1;
  }
  return found;
}

ArcSet HashRing::arcs_of(std::string_view name) const {
  const std::size_t place = table().place_of(name);
  if (place == table().nodes.size()) {
    return {};
  }
  const auto& [hashes, owners, shadowed] = table().points;
  const ring::OwnerIndex self = table().number_of[place];
  // Hashing and finding this node's own points takes no longer on a great ring than on a small one.
  std::vector<ring::Point> own;
  ring::append_points(own, table().nodes[place], self, points());
  ring::sort_points(own);
  std::vector<ArcSet::Arc> arcs;
  arcs.reserve(own.size() + 1);
  for (const ring::Point point : own) {
    const std::size_t at = table().look_up.lower_bound(table().points, point.hash);
    if (owners[at] == self && (arcs.empty() || arcs.back().last != point.hash)) {
      arcs.push_back({at == 0 ? 0 : hashes[at - 1] + 1, point.hash});
    }
  }
  // What lies behind the last point wraps to the owner of the first.
  constexpr std::uint64_t kLastHash = std::numeric_limits<std::uint64_t>::max();
  if (owners.front() == self && hashes.back() != kLastHash) {
    arcs.push_back({hashes.back() + 1, kLastHash});
  }
  return ArcSet(std::move(arcs));
}

const std::vector<RingNode>& HashRing::nodes() const noexcept {
  return table().nodes;
}

unsigned HashRing::points() const noexcept {
  return table().points_per_weight;
}

const std::vector<std::uint64_t>& HashRing::point_hashes() const noexcept {
  return table().points.hashes;
}

}  // namespace nodepool
