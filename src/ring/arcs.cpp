#include <algorithm>
#include <utility>

#include "nodepool/ring.hpp"

namespace nodepool {

ArcSet::ArcSet(std::vector<Arc> arcs) : arcs_(std::move(arcs)) {
  if (arcs_.empty()) {
    return;
  }
  // Two sets of the same hashes must be equal, so adjacent arcs become one. `kept` is the last arc that is
  // final.
  std::size_t kept = 0;
  for (std::size_t i = 1; i < arcs_.size(); ++i) {
    if (arcs_[i].first == arcs_[kept].last + 1) {
      arcs_[kept].last = arcs_[i].last;
    } else {
      arcs_[++kept] = arcs_[i];
    }
  }
  arcs_.resize(kept + 1);
}

bool ArcSet::contains(std::uint64_t hash) const noexcept {
  const auto after = std::upper_bound(arcs_.begin(), arcs_.end(), hash,
                                      [](std::uint64_t value, const Arc& arc) { return value < arc.first; });
  return after != arcs_.begin() && hash <= std::prev(after)->last;
}

ArcSet ArcSet::intersect(const ArcSet& other) const {
  ArcSet both;
  auto left = arcs_.begin();
  auto right = other.arcs_.begin();
  // No joining is needed: where two adjacent hashes are in both sets, each set has them in one arc.
  while (left != arcs_.end() && right != other.arcs_.end()) {
    const std::uint64_t first = std::max(left->first, right->first);
    const std::uint64_t last = std::min(left->last, right->last);
    if (first <= last) {
      both.arcs_.push_back({first, last});
    }
    if (left->last < right->last) {
      ++left;
    } else {
      ++right;
    }
  }
  return both;
}

}  // namespace nodepool
