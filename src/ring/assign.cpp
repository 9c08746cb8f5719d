#include "nodepool/assign.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "ring/slots.hpp"

namespace nodepool {
namespace {

/// Places around the circle of hashes, each with its owner. A job stops first at the place of its hash.
class Circle {
 public:
  explicit Circle(std::vector<std::uint32_t> owners) : owners_(std::move(owners)), next_(owners_.size()) {
    std::iota(next_.begin(), next_.end(), 0U);
  }

  [[nodiscard]] std::uint32_t owner(std::size_t place) const noexcept { return owners_[place]; }
  [[nodiscard]] const std::vector<std::uint32_t>& owners() const noexcept { return owners_; }

  /// The first place from `place` on whose owner has room. Each place that was found full is passed only
  /// once: it points to the one behind it from then on (union-find with path halving).
  /// REQUIRES: there is one.
  template <class HasRoom>
  std::uint32_t find(std::uint32_t place, HasRoom has_room) noexcept {
    while (true) {
      while (next_[place] != place) {
        next_[place] = next_[next_[place]];
        place = next_[place];
      }
      if (has_room(owners_[place])) return place;
      next_[place] = place + 1 == next_.size() ? 0 : place + 1;
    }
  }

 private:
  std::vector<std::uint32_t> owners_;
  std::vector<std::uint32_t> next_;
};

/// Divides the jobs; see `assign`.
class Assigner {
 public:
  Assigner(const JobSet& jobs, const Placement& placement, unsigned bound_percent)
      : jobs_(jobs), placement_(placement) {
    set_bounds(bound_percent);
  }

  Assignment run() {
    owners_.reserve(jobs_.size());
    if (placement_.nodes().empty()) {
      owners_.assign(jobs_.size(), 0);
    } else if (placement_.kind() == PlacementKind::ring) {
      run_on_ring();
    } else {
      run_on_slots();
    }
    return {std::move(owners_), std::move(shares_), displaced_};
  }

 private:
  /// At the mean's every step over an integer the rounded bounds of all nodes would step together, and jobs
  /// would move at each of them. So each node takes a part of its own, given by its name, off its bound
  /// before it is rounded up: at most one job, and at most half of what it has above the mean, so that there
  /// is room for all jobs.
  void set_bounds(unsigned percent) {
    std::uint64_t weights = 0;
    for (const RingNode& node : placement_.nodes()) weights += node.weight;
    const std::uint64_t unit = 100 * weights;  // of what follows, one job
    for (const RingNode& node : placement_.nodes()) {
      const std::uint64_t share = jobs_.size() * node.weight;
      const std::uint64_t most_off = std::min(unit, share * (percent - 100) / 2);
      const std::uint64_t part = (hash_key(node.name) * 0x9E3779B97F4A7C15U) >> 48U;
      const std::uint64_t bound = share * percent - ((most_off * part) >> 16U);
      shares_.push_back({node, 0, static_cast<std::size_t>((bound + unit - 1) / unit)});
    }
  }

  void run_on_ring() {
    const std::vector<std::uint64_t>& points = placement_.ring().point_hashes();
    std::vector<const RingNode*> found(points.size());
    placement_.ring().owner_batch(points, found);
    const RingNode* first = placement_.nodes().data();
    std::vector<std::uint32_t> owners(points.size());
    std::ranges::transform(found, owners.begin(),
                           [&](const RingNode* owner) { return static_cast<std::uint32_t>(owner - first); });
    // The jobs come in the order of their hashes, so the points are passed once.
    std::uint32_t place = 0;
    const auto count = static_cast<std::uint32_t>(points.size());
    run_on(Circle(std::move(owners)), [&, place, count](std::uint64_t hash) mutable {
      while (place < count && points[place] < hash) ++place;
      return place == count ? 0 : place;
    });
  }

  void run_on_slots() {
    const std::span<const std::uint16_t> owners = placement_.slots().owners();
    run_on(Circle({owners.begin(), owners.end()}),
           [shift = 64 - placement_.slots().bits()](std::uint64_t hash) {
             return static_cast<std::uint32_t>(hash >> shift);
           });
  }

  template <class PlaceOf>
  void run_on(Circle circle, PlaceOf place_of) {
    std::vector<bool> is_there(shares_.size());
    for (const std::uint32_t owner : circle.owners()) is_there[owner] = true;
    auto open = static_cast<std::size_t>(std::ranges::count(is_there, true));
    std::vector<std::size_t> room;  // apart from the shares: much is asked of it
    for (const Assignment::Share& share : shares_) room.push_back(share.most);
    const auto has_room = [&room](std::uint32_t node) { return room[node] != 0; };
    for (std::size_t job = 0; job < jobs_.size(); ++job) {
      const std::uint32_t place = place_of(jobs_.hash(job));
      // A node without a place of its own (all its points lie under others') gets what is left at the end.
      const std::uint32_t owner =
          open > 0 ? circle.owner(circle.find(place, has_room)) : first_with_room(room);
      if (owner != circle.owner(place)) ++displaced_;
      if (--room[owner] == 0 && is_there[owner]) --open;
      owners_.push_back(owner);
    }
    for (std::size_t node = 0; node < room.size(); ++node) {
      shares_[node].jobs = shares_[node].most - room[node];
    }
  }

  std::uint32_t first_with_room(const std::vector<std::size_t>& room) noexcept {
    while (room[leftover_] == 0) ++leftover_;
    return leftover_;
  }

  const JobSet& jobs_;
  const Placement& placement_;
  std::vector<std::uint32_t> owners_;
  std::vector<Assignment::Share> shares_;
  std::size_t displaced_ = 0;
  std::uint32_t leftover_ = 0;
};

}  // namespace

std::vector<std::size_t> Assignment::jobs_of(std::string_view node) const {
  std::vector<std::size_t> jobs;
  const auto share =
      std::ranges::find(shares_, node, [](const Share& each) -> std::string_view { return each.node.name; });
  if (share == shares_.end()) return jobs;
  jobs.reserve(share->jobs);
  const auto wanted = static_cast<std::uint32_t>(share - shares_.begin());
  for (std::size_t job = 0; job < owners_.size(); ++job) {
    if (owners_[job] == wanted) jobs.push_back(job);
  }
  return jobs;
}

Result<Assignment> assign(const JobSet& jobs, const Placement& placement, unsigned bound_percent) {
  if (bound_percent < kMinBoundPercent || bound_percent > kMaxBoundPercent) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("a bound of {} % of the mean cannot be kept or is none; give {} to {}",
                               bound_percent, kMinBoundPercent, kMaxBoundPercent));
  }
  return Assigner(jobs, placement, bound_percent).run();
}

}  // namespace nodepool
