#include "cli/parts/timeline.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace nodepool::cli {
namespace {

using std::chrono::nanoseconds;

void add_intervals(const NodeRecord& record, WallTime now, std::vector<Interval>& intervals) {
  std::map<std::string, WallTime> open;
  for (const Event& event : record.events) {
    if (const auto* granted = std::get_if<GrantedEvent>(&event)) {
      open.insert_or_assign(granted->job, granted->at);
    } else if (const auto* revoked = std::get_if<RevokedEvent>(&event)) {
      const auto begun = open.find(revoked->job);
      if (begun == open.end()) continue;
      intervals.push_back({revoked->job, record.node, begun->second, revoked->last});
      open.erase(begun);
    }
  }
  const WallTime end = record.killed_at.value_or(now);
  for (const auto& [job, first] : open) intervals.push_back({job, record.node, first, end});
}

/// An interval of a single yes is known as (last, first) around it, so the other must hold all of that.
bool share_an_instant(const Interval& one, const Interval& other) {
  const bool one_is_proper = one.first < one.last;
  const bool other_is_proper = other.first < other.last;
  if (one_is_proper && other_is_proper) return one.first < other.last && other.first < one.last;
  if (one_is_proper) return one.first <= other.last && other.first <= one.last;
  if (other_is_proper) return other.first <= one.last && one.first <= other.last;
  return false;
}

/// The intervals of one job, in a list sorted by job.
using Range = std::pair<std::vector<Interval>::const_iterator, std::vector<Interval>::const_iterator>;

Range next_job(std::vector<Interval>::const_iterator begin, std::vector<Interval>::const_iterator end) {
  return {begin, std::find_if(begin, end, [&](const Interval& each) { return each.job != begin->job; })};
}

/// The last instant that is known to belong to the interval, whichever way round a single yes is told.
WallTime end_of(const Interval& interval) {
  return std::max(interval.first, interval.last);
}

/// The last interval that began by `time`; the range's end if there is none.
std::vector<Interval>::const_iterator latest_at(const Range& range, WallTime time) {
  const auto after = std::upper_bound(range.first, range.second, time,
                                      [](WallTime at, const Interval& each) { return at < each.first; });
  return after == range.first ? range.second : std::prev(after);
}

nanoseconds pause_between(std::vector<Interval>::const_iterator before,
                          std::vector<Interval>::const_iterator after) {
  nanoseconds pause{0};
  WallTime covered = before->last;
  for (auto each = before; each != after;) {
    ++each;
    pause += std::max(nanoseconds(0), nanoseconds(each->first - covered));
    covered = std::max(covered, each->last);
  }
  return pause;
}

std::optional<nanoseconds> time_to_steady(const Happening& happening,
                                          const std::vector<NodeRecord>& records) {
  std::optional<Epoch> epoch;
  WallTime last = happening.from;
  for (const std::string& name : happening.alive) {
    // A name that was used again: the newest process that had told something by then is meant.
    const auto record = std::find_if(records.rbegin(), records.rend(), [&](const NodeRecord& each) {
      return each.node == name && now_of(each, happening.until).state;
    });
    if (record == records.rend()) return std::nullopt;
    const NodeNow now = now_of(*record, happening.until);
    if (now.state != NodeState::steady || epoch.value_or(now.epoch) != now.epoch) return std::nullopt;
    epoch = now.epoch;
    last = std::max(last, now.since);
  }
  if (!epoch) return std::nullopt;
  return last - happening.from;
}

/// Takes one event into what is known of its node.
struct Learn {
  NodeNow& now;
  void operator()(const StateEvent& event) const {
    if (now.state != event.state || now.epoch != event.epoch) now.since = event.at;
    now.state = event.state;
    now.epoch = std::max(now.epoch, event.epoch);
  }
  void operator()(const ViewEvent& event) const {
    if (now.epoch != event.epoch) now.since = event.at;
    now.epoch = std::max(now.epoch, event.epoch);
    now.members = event.members.size();
  }
  void operator()(const GrantedEvent& event) const { now.jobs.insert(event.job); }
  void operator()(const RevokedEvent& event) const { now.jobs.erase(event.job); }
  void operator()(const ChecksEvent& /*event*/) const {}
};

}  // namespace

std::vector<Interval> intervals_of(const std::vector<NodeRecord>& records, WallTime now) {
  std::vector<Interval> intervals;
  for (const NodeRecord& record : records) add_intervals(record, now, intervals);
  std::sort(intervals.begin(), intervals.end(), [](const Interval& one, const Interval& other) {
    return std::tie(one.job, one.first, one.node) < std::tie(other.job, other.first, other.node);
  });
  return intervals;
}

std::vector<Overlap> overlaps_of(const std::vector<Interval>& intervals) {
  std::vector<Overlap> overlaps;
  for (auto begin = intervals.begin(); begin != intervals.end();) {
    const Range range = next_job(begin, intervals.end());
    // Those begun before that could still last; the range is ascending by `first`.
    std::vector<const Interval*> lasting;
    for (auto each = range.first; each != range.second; ++each) {
      const WallTime from = std::min(each->first, each->last);
      std::erase_if(lasting, [&](const Interval* old) { return end_of(*old) < from; });
      for (const Interval* old : lasting) {
        if (old->node == each->node || !share_an_instant(*old, *each)) continue;
        overlaps.push_back({each->job, old->node, each->node, std::max(old->first, from),
                            std::min(old->last, end_of(*each))});
      }
      lasting.push_back(&*each);
    }
    begin = range.second;
  }
  return overlaps;
}

NodeNow now_of(const NodeRecord& record, WallTime until) {
  NodeNow now;
  for (const Event& event : record.events) {
    const WallTime at = std::visit([](const auto& each) { return each.at; }, event);
    if (at <= until) std::visit(Learn{now}, event);
  }
  return now;
}

HappeningReport report_of(const Happening& happening, const std::vector<NodeRecord>& records,
                          const std::vector<Interval>& intervals) {
  HappeningReport report;
  report.name = happening.name;
  report.steady_after = time_to_steady(happening, records);
  for (auto begin = intervals.begin(); begin != intervals.end();) {
    const Range range = next_job(begin, intervals.end());
    begin = range.second;
    const auto before = latest_at(range, happening.from);
    const auto after = latest_at(range, happening.until);
    if (after == range.second || end_of(*after) < happening.until) {
      report.unowned.push_back(range.first->job);
    } else if (before != range.second) {
      auto& pauses = before->node == after->node ? report.unmoved : report.moved;
      pauses.emplace(after->job, pause_between(before, after));
    }
  }
  return report;
}

Spread spread_of(const std::map<std::string, nanoseconds>& pauses) {
  if (pauses.empty()) return {};
  std::vector<nanoseconds> sorted;
  sorted.reserve(pauses.size());
  for (const auto& [job, pause] : pauses) sorted.push_back(pause);
  std::sort(sorted.begin(), sorted.end());
  return {sorted.front(), sorted[sorted.size() / 2], sorted.back()};
}

}  // namespace nodepool::cli
