#include "ring/points.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace nodepool::ring {
namespace {

std::size_t count_points(const RingNode& node, unsigned points) {
  return std::size_t{points} * node.weight;
}

/// Point i of a node is the hash of its name followed by i in decimal, without a separator, as go-dispatch
/// has it.
void append_points(std::vector<Point>& all, const RingNode& node, OwnerIndex owner, unsigned points) {
  std::string text = node.name;
  std::array<char, 20> digits{};
  const std::size_t count = count_points(node, points);
  for (std::size_t i = 0; i < count; ++i) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), i).ptr;
    text.resize(node.name.size());
    text.append(digits.data(), end);
    all.push_back({hash_key(text), owner});
  }
}

/// Takes points in ascending order and sorts out who owns what.
class Writer {
 public:
  explicit Writer(std::size_t expected) {
    result_.hashes.reserve(expected);
    result_.owners.reserve(expected);
  }

  void add(Point point) {
    if (result_.hashes.empty() || result_.hashes.back() != point.hash) {
      result_.hashes.push_back(point.hash);
      result_.owners.push_back(point.owner);
    } else if (result_.owners.back() != point.owner &&
               (result_.shadowed.empty() || result_.shadowed.back() != point)) {
      result_.shadowed.push_back(point);
    }
  }

  Points take() {
    result_.hashes.shrink_to_fit();
    result_.owners.shrink_to_fit();
    return std::move(result_);
  }

 private:
  Points result_;
};

/// Calls `visit` for each point, the shadowed ones included, in ascending order.
template <class Visit>
void for_each_point(const Points& points, Visit visit) {
  auto hidden = points.shadowed.begin();
  for (std::size_t i = 0; i < points.hashes.size(); ++i) {
    visit(Point{points.hashes[i], points.owners[i]});
    for (; hidden != points.shadowed.end() && hidden->hash == points.hashes[i]; ++hidden) {
      visit(*hidden);
    }
  }
}

}  // namespace

Points points_of(const std::vector<RingNode>& nodes, unsigned points) {
  std::size_t count = 0;
  for (const RingNode& node : nodes) {
    count += count_points(node, points);
  }
  std::vector<Point> all;
  all.reserve(count);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    append_points(all, nodes[i], static_cast<OwnerIndex>(i), points);
  }
  std::sort(all.begin(), all.end());
  Writer writer(count);
  for (const Point point : all) {
    writer.add(point);
  }
  return writer.take();
}

Points insert_node(const Points& before, const RingNode& node, OwnerIndex at, unsigned points) {
  std::vector<Point> added;
  added.reserve(count_points(node, points));
  append_points(added, node, at, points);
  std::sort(added.begin(), added.end());

  Writer writer(before.hashes.size() + added.size());
  auto next = added.begin();
  for_each_point(before, [&](Point point) {
    point.owner += point.owner >= at ? 1U : 0U;
    for (; next != added.end() && *next < point; ++next) {
      writer.add(*next);
    }
    writer.add(point);
  });
  for (; next != added.end(); ++next) {
    writer.add(*next);
  }
  return writer.take();
}

Points erase_node(const Points& before, OwnerIndex at) {
  Writer writer(before.hashes.size());
  for_each_point(before, [&](Point point) {
    if (point.owner == at) {
      return;
    }
    point.owner -= point.owner > at ? 1U : 0U;
    writer.add(point);
  });
  return writer.take();
}

}  // namespace nodepool::ring
