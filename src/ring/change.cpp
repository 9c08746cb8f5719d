#include <algorithm>
#include <iterator>
#include <utility>

#include "ring/lookup.hpp"
#include "ring/points.hpp"

namespace nodepool::ring {
namespace {

/// Copies points, except where something comes or goes.
class Change {
 public:
  Change(const Points& before, const LookUp& look_up, std::span<const RingNode* const> node_of,
         std::size_t most)
      : before_(before), look_up_(look_up), node_of_(node_of), hidden_(before.shadowed.begin()) {
    result_.points.hashes.reserve(most);
    result_.points.owners.reserve(most);
  }

  using Iterator = std::vector<Point>::const_iterator;

  /// All that comes and goes at one hash. Who is there already, shadowed or not, takes part again.
  void settle(std::uint64_t hash, std::span<const Point> gone, std::span<const Point> come) {
    copy_until(look_up_.lower_bound(before_, hash));
    claimants_.clear();
    if (next_ < before_.hashes.size() && before_.hashes[next_] == hash) {
      claimants_.push_back(before_.owners[next_++]);
    }
    for (; hidden_ != before_.shadowed.end() && hidden_->hash <= hash; ++hidden_) {
      if (hidden_->hash == hash) {
        claimants_.push_back(hidden_->owner);
      } else {
        result_.points.shadowed.push_back(*hidden_);
      }
    }
    std::erase_if(claimants_, [&](OwnerIndex owner) {
      return std::ranges::any_of(gone, [owner](const Point& point) { return point.owner == owner; });
    });
    std::ranges::transform(come, std::back_inserter(claimants_), &Point::owner);
    give_to_smallest_name(hash);
    result_.touches.push_back({hash, static_cast<std::ptrdiff_t>(result_.points.hashes.size() - next_)});
  }

  ChangedPoints take() {
    copy_until(before_.hashes.size());
    result_.points.shadowed.insert(result_.points.shadowed.end(), hidden_, before_.shadowed.end());
    return std::move(result_);
  }

 private:
  void copy_until(std::size_t end) {
    const auto from = static_cast<std::ptrdiff_t>(next_);
    const auto to = static_cast<std::ptrdiff_t>(end);
    auto& [hashes, owners, shadowed] = result_.points;
    hashes.insert(hashes.end(), before_.hashes.begin() + from, before_.hashes.begin() + to);
    owners.insert(owners.end(), before_.owners.begin() + from, before_.owners.begin() + to);
    next_ = end;
  }

  void give_to_smallest_name(std::uint64_t hash) {
    std::ranges::sort(claimants_, {},
                      [this](OwnerIndex owner) -> const std::string& { return node_of_[owner]->name; });
    claimants_.erase(std::unique(claimants_.begin(), claimants_.end()), claimants_.end());
    for (std::size_t i = 0; i < claimants_.size(); ++i) {
      if (i == 0) {
        result_.points.hashes.push_back(hash);
        result_.points.owners.push_back(claimants_[i]);
      } else {
        result_.points.shadowed.push_back({hash, claimants_[i]});
      }
    }
  }

  const Points& before_;
  const LookUp& look_up_;
  std::span<const RingNode* const> node_of_;
  std::size_t next_ = 0;               ///< The first point of before that is not copied or settled.
  Iterator hidden_;                    ///< The same, of the shadowed ones.
  std::vector<OwnerIndex> claimants_;  ///< Of the hash that is being settled.
  ChangedPoints result_;
};

/// Takes the points of this hash off the front.
std::span<const Point> take_hash(std::span<const Point>& points, std::uint64_t hash) {
  std::size_t count = 0;
  while (count < points.size() && points[count].hash == hash) {
    ++count;
  }
  const auto taken = points.first(count);
  points = points.subspan(count);
  return taken;
}

}  // namespace

ChangedPoints change_points(const Points& before, const LookUp& look_up, const std::vector<Point>& gone,
                            const std::vector<Point>& come, std::span<const RingNode* const> node_of) {
  Change change(before, look_up, node_of, before.hashes.size() + come.size());
  std::span<const Point> going = gone;
  std::span<const Point> coming = come;
  while (!going.empty() || !coming.empty()) {
    const bool goes_first = coming.empty() || (!going.empty() && going.front().hash < coming.front().hash);
    const std::uint64_t hash = goes_first ? going.front().hash : coming.front().hash;
    const auto gone_here = take_hash(going, hash);
    const auto come_here = take_hash(coming, hash);
    change.settle(hash, gone_here, come_here);
  }
  return change.take();
}

}  // namespace nodepool::ring
