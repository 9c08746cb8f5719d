// What a bounded-load assignment keeps, whatever the jobs, nodes, weights and bound.

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "nodepool/assign.hpp"

namespace nodepool {
namespace {

/// Names that run into point numbers ("w" + "11" is "w1" + "1"): some nodes have no visible point at all.
std::vector<RingNode> any_nodes() {
  const auto name = rc::gen::map(rc::gen::inRange(-1, 40), [](int number) {
    return number < 0 ? std::string("w") : "w" + std::to_string(number);
  });
  std::vector<RingNode> nodes;
  for (const auto& [node, weight] :
       *rc::gen::container<std::map<std::string, unsigned>>(name, rc::gen::inRange(1U, 6U))) {
    nodes.push_back({node, weight});
  }
  if (nodes.empty()) nodes.push_back({"alone", 1});
  return nodes;
}

std::vector<std::string> any_jobs() {
  const auto count = *rc::gen::inRange(0, 400);
  const auto prefix = *rc::gen::inRange(0, 1000);
  std::vector<std::string> jobs;
  for (int i = 0; i < count; ++i) jobs.push_back(std::to_string(prefix) + "-" + std::to_string(i));
  return jobs;
}

Placement any_placement(const std::vector<RingNode>& nodes) {
  const auto kind = *rc::gen::element(PlacementKind::ring, PlacementKind::ring, PlacementKind::rendezvous);
  return Placement::build(kind, nodes, *rc::gen::inRange(1U, 20U)).value();
}

unsigned any_percent() {
  return *rc::gen::element(100U, 101U, 105U, 125U, 200U, 10'000U);
}

RC_GTEST_PROP(AssignProperty, NoNodeIsAboveItsBoundAndAllJobsAreDivided, ()) {
  const JobSet jobs(any_jobs());
  const auto nodes = any_nodes();
  const auto percent = any_percent();
  const Assignment assignment = assign(jobs, any_placement(nodes), percent).value();
  RC_ASSERT(assignment.size() == jobs.size());
  std::uint64_t weights = 0;
  for (const RingNode& node : nodes) weights += node.weight;
  std::map<std::string, std::size_t> loads;
  for (std::size_t job = 0; job < jobs.size(); ++job) ++loads[assignment.owner(job)->name];
  RC_ASSERT(assignment.shares().size() == nodes.size());
  for (const Assignment::Share& share : assignment.shares()) {
    const std::uint64_t scaled = std::uint64_t{percent} * jobs.size() * share.node.weight;
    const std::uint64_t bound = (scaled + 100 * weights - 1) / (100 * weights);
    RC_ASSERT(share.most <= bound);
    RC_ASSERT(share.jobs <= share.most);
    RC_ASSERT(share.jobs == loads[share.node.name]);
    RC_ASSERT(assignment.jobs_of(share.node.name).size() == share.jobs);
  }
}

RC_GTEST_PROP(AssignProperty, DependsOnNothingButJobsNodesWeightsRuleAndBound, ()) {
  auto names = any_jobs();
  auto nodes = any_nodes();
  const auto percent = any_percent();
  const Placement placement = any_placement(nodes);
  const Assignment expected = assign(JobSet(names), placement, percent).value();
  for (std::size_t i = names.size(); i > 1; --i) {
    std::swap(names[i - 1], names[*rc::gen::inRange<std::size_t>(0, i)]);
  }
  std::ranges::reverse(nodes);
  const Placement grown =
      Placement::build(placement.kind(), {nodes.front()}, std::max(1U, placement.points()))
          .value()
          .changed_to(nodes)
          .value();
  RC_ASSERT(assign(JobSet(names), grown, percent).value() == expected);
}

/// The definition, without union-find: each job walks on, place by place, until somebody has room.
RC_GTEST_PROP(AssignProperty, GivesEachJobToTheFirstWithRoomClockwise, ()) {
  const JobSet jobs(any_jobs());
  const auto nodes = any_nodes();
  const HashRing ring = HashRing::build(nodes, *rc::gen::inRange(1U, 20U)).value();
  const Assignment assignment = assign(jobs, Placement(ring), any_percent()).value();
  std::map<std::string, std::size_t> room;
  for (const Assignment::Share& share : assignment.shares()) room[share.node.name] = share.most;
  const std::vector<std::uint64_t>& points = ring.point_hashes();
  std::size_t displaced = 0;
  for (std::size_t job = 0; job < jobs.size(); ++job) {
    auto at = static_cast<std::size_t>(std::ranges::lower_bound(points, jobs.hash(job)) - points.begin());
    std::size_t steps = 0;
    while (steps < points.size() && room[ring.owner_of_hash(points[at % points.size()])->name] == 0) {
      ++at;
      ++steps;
    }
    std::string expected = ring.owner_of_hash(points[at % points.size()])->name;
    if (steps == points.size()) {  // only nodes without a visible point have room: the first by name
      expected = std::ranges::find_if(room, [](const auto& entry) { return entry.second > 0; })->first;
    }
    RC_ASSERT(assignment.owner(job)->name == expected);
    --room[expected];
    displaced += expected != ring.owner_of_hash(jobs.hash(job))->name ? 1U : 0U;
  }
  RC_ASSERT(assignment.displaced() == displaced);
}

RC_GTEST_PROP(AssignProperty, WithAmpleRoomIsThePlacement, ()) {
  const JobSet jobs(any_jobs());
  const Placement placement = Placement::build(PlacementKind::rendezvous, any_nodes()).value();
  const Assignment assignment = assign(jobs, placement, kMaxBoundPercent).value();
  for (std::size_t job = 0; job < jobs.size(); ++job) {
    const bool full =
        std::ranges::any_of(assignment.shares(), [](const auto& share) { return share.jobs == share.most; });
    RC_PRE(!full);
    RC_ASSERT(*assignment.owner(job) == *placement.owner(jobs.name(job)));
  }
  RC_ASSERT(assignment.displaced() == 0U);
}

}  // namespace
}  // namespace nodepool
