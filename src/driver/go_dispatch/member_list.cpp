#include "driver/go_dispatch/member_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace nodepool::go_dispatch {
namespace {

constexpr std::size_t kMostNamed = 3;

/// "a", "b", "c" and 4 more.
std::string named(std::vector<std::string> names) {
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const std::size_t more = names.size() - std::min(names.size(), kMostNamed);
  names.resize(names.size() - more);
  return fmt::format("{}{}", fmt::join(names, ", "), more > 0 ? fmt::format(" and {} more", more) : "");
}

std::vector<std::string> strangers(const Reader& reader, const std::vector<Entry>& entries) {
  std::vector<std::string> names;
  for (const Entry& entry : entries) {
    if (!is_node_of(reader.group, entry.name)) names.push_back(shown(entry.name));
  }
  return names;
}

std::vector<std::string> from_the_future(const Reader& reader, const std::vector<Entry>& entries,
                                         WallTime now) {
  using Seconds = std::chrono::duration<double>;
  const double latest = Seconds(now.time_since_epoch()).count() + Seconds(reader.period).count();
  std::vector<std::string> names;
  for (const Entry& entry : entries) {
    if (entry.score > latest) names.push_back(shown(entry.name));
  }
  return names;
}

/// Redis keeps a time to live of whole seconds, and Go nodes write whole seconds as scores.
std::string about_the_period(const Reader& reader) {
  using std::chrono::seconds;
  const auto whole = std::chrono::floor<seconds>(reader.period);
  if (whole < seconds(1)) {
    return fmt::format(
        "the period of {} ms is shorter than the second in which go-dispatch counts: a dead "
        "node is noticed up to a second later; use a period of whole seconds",
        reader.period.count());
  }
  if (reader.layout == GoDispatchLayout::key && whole != reader.period) {
    return fmt::format(
        "the period of {} ms is cut to {} s where Go nodes let their keys expire, and they "
        "renew them only every {} ms; use a period of whole seconds",
        reader.period.count(), whole.count(), (reader.period / 2).count());
  }
  return {};
}

}  // namespace

Result<std::vector<NodeInfo>> members_of(const Reader& reader, std::vector<Entry> entries) {
  std::ranges::sort(entries, {}, &Entry::name);
  const auto same_name = [](const Entry& left, const Entry& right) { return left.name == right.name; };
  entries.erase(std::unique(entries.begin(), entries.end(), same_name),
                entries.end());  // SCAN may tell a key twice
  if (!entries.empty() && entries.front().name.empty()) {
    return failure(ErrorCode::store_corrupt,
                   fmt::format("the sorted set {} has a member without a name, which cannot stand on a ring; "
                               "remove it with ZREM",
                               shown(reader.group)));
  }
  if (!std::ranges::binary_search(entries, reader.own_name, {}, &Entry::name)) {
    return failure(ErrorCode::unavailable,
                   fmt::format("the list of {} does not have this node's own entry, which was just written; "
                               "it registers again",
                               shown(reader.group)));
  }
  std::vector<NodeInfo> members;
  members.reserve(entries.size());
  for (Entry& entry : entries) {
    NodeId id = entry.name == reader.own_name ? reader.own_id : NodeId(entry.name);
    members.push_back({.id = std::move(id), .name = NodeName(std::move(entry.name))});
  }
  return members;
}

std::vector<std::string> warnings_of(const Reader& reader, const std::vector<Entry>& entries, WallTime now) {
  std::vector<std::string> warnings;
  if (auto names = strangers(reader, entries); !names.empty()) {
    warnings.push_back(
        fmt::format("the list of {} has entries that are no nodes of this service, but every node counts "
                    "them, so their share of the jobs runs nowhere: {}; rename the service or the keys",
                    shown(reader.group), named(std::move(names))));
  }
  if (auto names = from_the_future(reader, entries, now); !names.empty()) {
    warnings.push_back(
        fmt::format("by this machine's clock, nodes were last heard in the future and will stay listed for "
                    "too long after they die: {}; set the clocks of their machines or of this one",
                    named(std::move(names))));
  }
  if (auto warning = about_the_period(reader); !warning.empty()) warnings.push_back(std::move(warning));
  return warnings;
}

std::vector<Finding> list_findings(const Reader& reader, const std::vector<Entry>& entries, WallTime now) {
  std::vector<Finding> findings;
  for (std::string& warning : warnings_of(reader, entries, now)) {
    findings.push_back({Finding::Grade::warning, "entries", std::move(warning), ""});
  }
  std::vector<std::string> names;
  for (const Entry& entry : entries) names.push_back(entry.name);
  std::ranges::sort(names);
  const auto count = std::unique(names.begin(), names.end()) - names.begin();
  // A Go node whose key has run out registers under a new id, but goes on asking for the jobs of the old one.
  findings.push_back(
      {Finding::Grade::note, "entries", fmt::format("{} entries count as nodes", count),
       "if there are fewer processes, a Go node that lost its entry was listed anew under an id that "
       "it does not answer for: restart the Go nodes whose jobs do not run"});
  return findings;
}

}  // namespace nodepool::go_dispatch
