#include "nodepool/ring.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "ring/lookup.hpp"
#include "ring/points.hpp"

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

auto find_name(const std::vector<RingNode>& nodes, std::string_view name) {
  return std::lower_bound(nodes.begin(), nodes.end(), name,
                          [](const RingNode& node, std::string_view wanted) { return node.name < wanted; });
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

tl::unexpected<Error> name_is_taken(const std::string& name) {
  return failure(
      ErrorCode::invalid_argument,
      fmt::format("the name {} is on the ring twice; give each node a name of its own", quoted(name)));
}

}  // namespace

struct HashRing::Table {
  std::vector<RingNode> nodes;  ///< Ascending by name.
  unsigned points_per_weight = 0;
  ring::Points points;  ///< Owners are indexes into `nodes`.

  /// A ring that was default-constructed or moved from has no table: it reads as this one.
  static const Table& of(const std::shared_ptr<const Table>& table) noexcept {
    static const Table kNone;
    return table ? *table : kNone;
  }
};

HashRing::HashRing() = default;

HashRing::HashRing(std::shared_ptr<const Table> table) : table_(std::move(table)) {}

Result<HashRing> HashRing::build(std::vector<RingNode> nodes, unsigned points) {
  if (auto checked = check_points(points); !checked) {
    return tl::unexpected(std::move(checked).error());
  }
  for (const RingNode& node : nodes) {
    if (auto checked = check_node(node); !checked) {
      return tl::unexpected(std::move(checked).error());
    }
  }
  std::sort(nodes.begin(), nodes.end());
  const auto twin = std::adjacent_find(nodes.begin(), nodes.end(),
                                       [](const auto& a, const auto& b) { return a.name == b.name; });
  if (twin != nodes.end()) {
    return name_is_taken(twin->name);
  }
  ring::Points all = ring::points_of(nodes, points);
  return HashRing(std::make_shared<const Table>(Table{std::move(nodes), points, std::move(all)}));
}

Result<HashRing> HashRing::with(RingNode node) const {
  const Table& table = Table::of(table_);
  if (auto checked = check_points(table.points_per_weight); !checked) {
    return tl::unexpected(std::move(checked).error());
  }
  if (auto checked = check_node(node); !checked) {
    return tl::unexpected(std::move(checked).error());
  }
  const auto place = find_name(table.nodes, node.name);
  if (place != table.nodes.end() && place->name == node.name) {
    return name_is_taken(node.name);
  }
  const auto at = place - table.nodes.begin();
  ring::Points all =
      ring::insert_node(table.points, node, static_cast<ring::OwnerIndex>(at), table.points_per_weight);
  std::vector<RingNode> nodes = table.nodes;
  nodes.insert(nodes.begin() + at, std::move(node));
  return HashRing(
      std::make_shared<const Table>(Table{std::move(nodes), table.points_per_weight, std::move(all)}));
}

HashRing HashRing::without(std::string_view name) const {
  const Table& table = Table::of(table_);
  const auto place = find_name(table.nodes, name);
  if (place == table.nodes.end() || place->name != name) {
    return *this;
  }
  const auto at = place - table.nodes.begin();
  std::vector<RingNode> nodes = table.nodes;
  nodes.erase(nodes.begin() + at);
  return HashRing(std::make_shared<const Table>(
      Table{std::move(nodes), table.points_per_weight,
            ring::erase_node(table.points, static_cast<ring::OwnerIndex>(at))}));
}

Result<HashRing> HashRing::changed_to(std::vector<RingNode> nodes) const {
  return build(std::move(nodes), points());
}

const RingNode* HashRing::owner(std::string_view key) const noexcept {
  return owner_of_hash(hash_key(key));
}

const RingNode* HashRing::owner_of_hash(std::uint64_t hash) const noexcept {
  if (!table_ || table_->points.hashes.empty()) {
    return nullptr;
  }
  return &table_->nodes[table_->points.owners[ring::find_point(table_->points.hashes, hash)]];
}

void HashRing::owner_batch(std::span<const std::uint64_t> hashes,
                           std::span<const RingNode*> owners) const noexcept {
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    owners[i] = owner_of_hash(hashes[i]);
  }
}

std::vector<const RingNode*> HashRing::owners(std::string_view key, std::size_t count) const {
  std::vector<const RingNode*> found;
  const Table& table = Table::of(table_);
  const ring::Points& points = table.points;
  const std::size_t wanted = std::min(count, table.nodes.size());
  if (wanted == 0) {
    return found;
  }
  found.reserve(wanted);
  std::vector<bool> met(table.nodes.size());
  std::size_t at = ring::find_point(points.hashes, hash_key(key));
  // One full turn at most: a node whose points are all shadowed is never met.
  for (std::size_t i = 0; i < points.hashes.size() && found.size() < wanted; ++i) {
    const ring::OwnerIndex owner = points.owners[at];
    if (!met[owner]) {
      met[owner] = true;
      found.push_back(&table.nodes[owner]);
    }
    at = at + 1 == points.hashes.size() ? 0 : at + 1;
  }
  return found;
}

ArcSet HashRing::arcs_of(std::string_view name) const {
  const Table& table = Table::of(table_);
  const auto& [hashes, owners, shadowed] = table.points;
  const auto place = find_name(table.nodes, name);
  if (place == table.nodes.end() || place->name != name) {
    return {};
  }
  const auto wanted = static_cast<ring::OwnerIndex>(place - table.nodes.begin());
  std::vector<ArcSet::Arc> arcs;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    if (owners[i] == wanted) {
      arcs.push_back({i == 0 ? 0 : hashes[i - 1] + 1, hashes[i]});
    }
  }
  // What lies behind the last point wraps to the owner of the first.
  constexpr std::uint64_t kLastHash = std::numeric_limits<std::uint64_t>::max();
  if (!hashes.empty() && owners.front() == wanted && hashes.back() != kLastHash) {
    arcs.push_back({hashes.back() + 1, kLastHash});
  }
  return ArcSet(std::move(arcs));
}

const std::vector<RingNode>& HashRing::nodes() const noexcept {
  return Table::of(table_).nodes;
}

unsigned HashRing::points() const noexcept {
  return Table::of(table_).points_per_weight;
}

const std::vector<std::uint64_t>& HashRing::point_hashes() const noexcept {
  return Table::of(table_).points.hashes;
}

}  // namespace nodepool
