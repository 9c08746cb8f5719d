#include "ring/table.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace nodepool::ring {
namespace {

/// What is different between two lists of nodes, as places in them. A node with another weight goes and
/// comes.
struct Difference {
  std::vector<std::size_t> gone;
  std::vector<std::size_t> come;
  std::vector<std::pair<std::size_t, std::size_t>> kept;  ///< The place before and after.
};

Difference difference(const std::vector<RingNode>& before, const std::vector<RingNode>& after) {
  Difference found;
  found.kept.reserve(std::min(before.size(), after.size()));
  std::size_t old_place = 0;
  std::size_t new_place = 0;
  while (old_place < before.size() || new_place < after.size()) {
    const auto order = old_place == before.size()  ? std::strong_ordering::greater
                       : new_place == after.size() ? std::strong_ordering::less
                                                   : before[old_place] <=> after[new_place];
    if (order == 0) {
      found.kept.emplace_back(old_place++, new_place++);
    } else if (order < 0) {
      found.gone.push_back(old_place++);
    } else {
      found.come.push_back(new_place++);
    }
  }
  return found;
}

/// Who stays keeps his number; who comes gets one that is free, or a new one.
void give_numbers(Table& table, const Table& before, const Difference& found) {
  table.number_of.resize(table.nodes.size());
  table.node_of.resize(before.node_of.size());
  for (const auto& [old_place, new_place] : found.kept) {
    table.number_of[new_place] = before.number_of[old_place];
    table.node_of[before.number_of[old_place]] = &table.nodes[new_place];
  }
  std::size_t number = 0;
  for (const std::size_t place : found.come) {
    while (number < table.node_of.size() && table.node_of[number] != nullptr) {
      ++number;
    }
    if (number == table.node_of.size()) {
      table.node_of.push_back(nullptr);
    }
    table.number_of[place] = static_cast<OwnerIndex>(number);
    table.node_of[number] = &table.nodes[place];
  }
}

std::size_t count_points_at(const Table& table, const std::vector<std::size_t>& places) {
  std::size_t count = 0;
  for (const std::size_t place : places) {
    count += count_points(table.nodes[place], table.points_per_weight);
  }
  return count;
}

std::vector<Point> points_at(const Table& table, const std::vector<std::size_t>& places) {
  std::vector<Point> points;
  points.reserve(count_points_at(table, places));
  for (const std::size_t place : places) {
    append_points(points, table.nodes[place], table.number_of[place], table.points_per_weight);
  }
  sort_points(points);
  return points;
}

}  // namespace

const RingNode* Table::exact_owner(std::uint64_t hash) const noexcept {
  return nodes.empty() ? nullptr : node_of[points.owners[look_up.find(points, hash)]];
}

std::size_t Table::place_of(std::string_view name) const noexcept {
  const auto found = std::ranges::lower_bound(nodes, name, {}, &RingNode::name);
  return found != nodes.end() && found->name == name ? static_cast<std::size_t>(found - nodes.begin())
                                                     : nodes.size();
}

std::shared_ptr<const Table> build_table(std::vector<RingNode> nodes, unsigned points) {
  auto table = std::make_shared<Table>();
  table->nodes = std::move(nodes);
  table->points_per_weight = points;
  table->number_of.resize(table->nodes.size());
  std::iota(table->number_of.begin(), table->number_of.end(), OwnerIndex{0});
  for (const RingNode& node : table->nodes) {
    table->node_of.push_back(&node);
  }
  table->points = points_of(table->nodes, points);
  table->look_up = LookUp(table->points, table->node_of.size());
  return table;
}

std::shared_ptr<const Table> change_table(const Table& before, std::vector<RingNode> nodes) {
  auto table = std::make_shared<Table>();
  table->nodes = std::move(nodes);
  table->points_per_weight = before.points_per_weight;
  const Difference found = difference(before.nodes, table->nodes);
  // Where half of the points are others, nothing is saved by keeping the rest.
  const std::size_t others = count_points_at(before, found.gone) + count_points_at(*table, found.come);
  if (others > before.points.hashes.size() / 2) {
    return build_table(std::move(table->nodes), before.points_per_weight);
  }
  give_numbers(*table, before, found);
  ChangedPoints change = change_points(before.points, before.look_up, points_at(before, found.gone),
                                       points_at(*table, found.come), table->node_of);
  table->look_up = before.look_up.changed(change, table->node_of.size());
  table->points = std::move(change.points);
  return table;
}

}  // namespace nodepool::ring
