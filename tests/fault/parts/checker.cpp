#include "fault/parts/checker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <tuple>

#include "cli/parts/clock_text.hpp"
#include "nodepool/ring.hpp"

namespace nodepool::fault {
namespace {

using namespace nodepool::cli;

/// A view and its consequences are told by two threads of a node: one may be late by this.
constexpr std::chrono::seconds kTelling{1};
constexpr unsigned kPoints = 50;

bool owns(const std::vector<std::string>& members, const std::string& node, const std::string& job) {
  std::vector<RingNode> nodes;
  for (const std::string& name : members) nodes.push_back({name});
  const auto ring = HashRing::build(nodes, kPoints);
  const auto* owner = ring ? ring->owner(job) : nullptr;
  return owner != nullptr && owner->name == node;
}

/// Whether every view that the node may have been in while it stopped the job gives the job to it.
bool every_view_keeps(const NodeRecord& record, const RevokedEvent& revoked) {
  const ViewEvent* before = nullptr;
  std::vector<const ViewEvent*> views;
  for (const Event& event : record.events) {
    const auto* view = std::get_if<ViewEvent>(&event);
    if (view == nullptr || view->at > revoked.at + kTelling) continue;
    if (view->at <= revoked.last) {
      before = view;
    } else {
      views.push_back(view);
    }
  }
  if (before != nullptr) views.push_back(before);
  return std::all_of(views.begin(), views.end(),
                     [&](const ViewEvent* view) { return owns(view->members, record.node, revoked.job); });
}

/// One unbroken yes of one node, as far as its tokens go.
struct Span {
  std::string job;
  WallTime from;
  std::string node;
  FencingToken first;
  FencingToken last;
};

std::vector<Span> spans_of(const std::vector<NodeRecord>& records) {
  std::vector<Span> spans;
  for (const NodeRecord& record : records) {
    std::map<std::string, std::size_t> open;
    for (const Event& event : record.events) {
      if (const auto* granted = std::get_if<GrantedEvent>(&event)) {
        open[granted->job] = spans.size();
        spans.push_back({granted->job, granted->at, record.node, granted->token, granted->token});
      } else if (const auto* revoked = std::get_if<RevokedEvent>(&event)) {
        const auto begun = open.find(revoked->job);
        if (begun != open.end()) spans[begun->second].last = revoked->token;
      }
    }
  }
  std::sort(spans.begin(), spans.end(), [](const Span& one, const Span& other) {
    return std::tie(one.job, one.from) < std::tie(other.job, other.from);
  });
  return spans;
}

bool falls(const Span& before, const Span& after) {
  return after.node == before.node ? after.first < before.last : after.first <= before.last;
}

}  // namespace

std::vector<Violation> check_one_owner(const std::vector<NodeRecord>& records, WallTime now) {
  std::vector<Violation> violations;
  for (const Overlap& overlap : overlaps_of(intervals_of(records, now))) {
    violations.push_back(
        {"P1", fmt::format("{} had two owners, {} and {}, from {} to {}", overlap.job, overlap.one,
                           overlap.other, clock_text(overlap.from), clock_text(overlap.until))});
  }
  return violations;
}

std::vector<Violation> check_only_what_moves_stops(const std::vector<NodeRecord>& records) {
  std::vector<Violation> violations;
  for (const NodeRecord& record : records) {
    for (const Event& event : record.events) {
      const auto* revoked = std::get_if<RevokedEvent>(&event);
      if (revoked == nullptr || revoked->reason != RevokeReason::moved) continue;
      if (!every_view_keeps(record, *revoked)) continue;
      violations.push_back({"P3", fmt::format("{} stopped {} at {} though no view had moved it", record.node,
                                              revoked->job, clock_text(revoked->at))});
    }
  }
  return violations;
}

std::vector<Violation> check_tokens_grow(const std::vector<NodeRecord>& records) {
  std::vector<Violation> violations;
  const std::vector<Span> spans = spans_of(records);
  const Span* greatest = nullptr;
  for (const Span& span : spans) {
    if (greatest != nullptr && greatest->job != span.job) greatest = nullptr;
    if (span.last < span.first || (greatest != nullptr && falls(*greatest, span))) {
      const Span& before = span.last < span.first ? span : *greatest;
      violations.push_back(
          {"P5", fmt::format("{}'s token {} of {} was followed by {} of {} at {}", span.job,
                             std::max(before.last, before.first).value, before.node,
                             std::min(span.first, span.last).value, span.node, clock_text(span.from))});
    }
    if (greatest == nullptr || greatest->last <= span.last) greatest = &span;
  }
  return violations;
}

std::vector<Violation> check_promises(const std::vector<NodeRecord>& records, WallTime now) {
  std::vector<Violation> violations = check_one_owner(records, now);
  for (const auto& more : {check_only_what_moves_stops(records), check_tokens_grow(records)}) {
    violations.insert(violations.end(), more.begin(), more.end());
  }
  return violations;
}

std::vector<std::string> lost_their_lease(const std::vector<NodeRecord>& records, WallTime from,
                                          WallTime until) {
  std::set<std::string> names;
  for (const NodeRecord& record : records) {
    for (const Event& event : record.events) {
      const auto* state = std::get_if<StateEvent>(&event);
      if (state == nullptr || state->state != NodeState::suspended) continue;
      if (state->at >= from && state->at <= until) names.insert(record.node);
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace nodepool::fault
