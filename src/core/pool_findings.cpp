#include "core/pool_findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace nodepool {
namespace {

using Grade = Finding::Grade;
using std::chrono::duration;
using std::chrono::milliseconds;

/// So many names are listed, the others are counted.
constexpr std::size_t kMostNames = 5;

double milliseconds_of(std::chrono::nanoseconds time) {
  return duration<double, std::milli>(time).count();
}

std::string list_of(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kMostNames);
  std::string text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

template <class Which>
std::vector<std::string> names_where(const PoolStatus& status, Which which) {
  std::vector<std::string> names;
  for (const MemberStatus& member : status.members) {
    if (which(member)) names.push_back(member.info.name.str());
  }
  return names;
}

void add_stale(const PoolStatus& status, std::vector<Finding>& findings) {
  const auto stale =
      names_where(status, [](const MemberStatus& each) { return each.lease_left.count() <= 0; });
  if (stale.empty()) return;
  findings.push_back({Grade::warning, "stale nodes",
                      fmt::format("{} of {} members have no lease left: {}", stale.size(),
                                  status.members.size(), list_of(stale)),
                      "the next heartbeat of a living node removes them; if none does, no node is running"});
}

/// Names of several members that are not draining, each once. `status.members` are ascending by name.
std::vector<std::string> shared_names(const PoolStatus& status) {
  std::vector<std::string> names =
      names_where(status, [](const MemberStatus& each) { return !each.info.draining; });
  std::vector<std::string> shared;
  for (std::size_t index = 1; index < names.size(); ++index) {
    const bool again = names[index] == names[index - 1];
    if (again && (shared.empty() || shared.back() != names[index])) shared.push_back(names[index]);
  }
  return shared;
}

void add_shared_names(const PoolStatus& status, std::vector<Finding>& findings) {
  const auto shared = shared_names(status);
  if (shared.empty()) return;
  findings.push_back(
      {Grade::warning, "names",
       fmt::format("several living nodes are named {}: of each name only one works", list_of(shared)),
       "give each node its own name, or none"});
}

Finding settling(const PoolStatus& status) {
  if (status.settled)
    return {Grade::good, "view",
            fmt::format("settled: all {} members have acknowledged epoch {}", status.members.size(),
                        status.view.epoch.value),
            ""};
  if (status.barrier_left.count() > 0) {
    return {Grade::note, "view",
            fmt::format("behind a barrier for up to {:.0f} ms: the store cannot rule out leases from before",
                        milliseconds_of(status.barrier_left)),
            "wait; jobs that did not move run on"};
  }
  const auto late = names_where(status, [](const MemberStatus& each) { return !each.acknowledged; });
  return {Grade::warning, "view", fmt::format("not settled: not acknowledged by {}", list_of(late)),
          "look again; a node that stays in this list is stalled or cut off, and jobs that move wait for it "
          "until "
          "its lease is over"};
}

void add_draining(const PoolStatus& status, std::vector<Finding>& findings) {
  const auto draining = names_where(
      status, [](const MemberStatus& each) { return each.info.draining || each.drain_requested; });
  if (draining.empty()) return;
  findings.push_back({Grade::note, "draining",
                      fmt::format("{} on the way out: {}", draining.size(), list_of(draining)), ""});
}

void add_holds(const PoolStatus& status, std::vector<Finding>& findings) {
  std::size_t jobs = 0;
  for (const MemberStatus& member : status.members) jobs += member.held.size();
  if (jobs == 0) return;
  const auto holders = names_where(status, [](const MemberStatus& each) { return !each.held.empty(); });
  findings.push_back({Grade::note, "held jobs",
                      fmt::format("{} jobs still run on a former owner: {}", jobs, list_of(holders)),
                      "their new owners wait; such a job should end when its hand-over token is used"});
}

}  // namespace

std::string_view to_string(Finding::Grade grade) noexcept {
  switch (grade) {
    case Grade::good:
      return "good";
    case Grade::note:
      return "note";
    case Grade::warning:
      return "warning";
    case Grade::problem:
      return "problem";
  }
  return "problem";
}

std::vector<Finding> pool_findings(const PoolStatus& status, const Capabilities& store) {
  std::vector<Finding> findings;
  if (status.members.empty()) {
    findings.push_back({Grade::note, "members", "the pool has no members", "start a node"});
  } else if (store.acknowledges) {
    findings.push_back(
        {Grade::good, "configuration",
         fmt::format("all {} members agree on {}", status.members.size(), to_string(status.config)), ""});
    findings.push_back(settling(status));
  } else {
    findings.push_back(
        {Grade::note, "members",
         fmt::format("{} members; this store knows neither their settings nor who has adopted the view",
                     status.members.size()),
         "give all nodes the same settings"});
  }
  add_stale(status, findings);
  add_shared_names(status, findings);
  add_draining(status, findings);
  add_holds(status, findings);
  return findings;
}

Finding round_trip_finding(std::vector<std::chrono::nanoseconds> round_trips, const PoolConfig& config) {
  std::ranges::sort(round_trips);
  const auto median = round_trips[round_trips.size() / 2];
  const auto longest = round_trips.back();
  std::string text = fmt::format("median {:.2f} ms, longest of {} {:.2f} ms; heartbeat {} ms, lease {} ms",
                                 milliseconds_of(median), round_trips.size(), milliseconds_of(longest),
                                 config.heartbeat.count(), config.lease.count());
  if (longest * 2 >= config.heartbeat) {
    return {Grade::problem, "round trip", std::move(text),
            "a call that takes half a heartbeat makes nodes lose their leases: choose a longer heartbeat and "
            "lease, "
            "or a nearer store"};
  }
  if (longest * 10 >= config.heartbeat) {
    return {Grade::warning, "round trip", std::move(text),
            "there is little room for a slow moment: choose a longer heartbeat and lease"};
  }
  return {Grade::good, "round trip", std::move(text), ""};
}

}  // namespace nodepool
