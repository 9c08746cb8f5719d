#pragma once

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/node.hpp"
#include "nodepool/ring.hpp"

namespace nodepool::test {

/// A job that each of the given rings gives to the given owner.
struct OwnedBy {
  std::vector<std::string> nodes;
  std::string owner;
};
inline std::string job_where(const std::vector<OwnedBy>& wishes) {
  for (int number = 0;; ++number) {
    const std::string job = "job" + std::to_string(number);
    const bool fits = std::ranges::all_of(wishes, [&](const OwnedBy& wish) {
      std::vector<RingNode> nodes;
      for (const std::string& name : wish.nodes) nodes.push_back({name});
      return HashRing::build(nodes, 50).value().owner(job)->name == wish.owner;
    });
    if (fits) return job;
  }
}

inline MonotonicTime at(std::chrono::nanoseconds since_boot) {
  return MonotonicTime(since_boot);
}

/// The machine of node "a" and the store that a test plays for it. Heartbeat 1 s, lease 4 s, cap 1.25 s and
/// drift 1 %: a reply gives 2.71 s, counted from its request.
class NodeDialogue {
 public:
  static constexpr std::chrono::milliseconds kLeaseGiven{2710};

  explicit NodeDialogue(NodeSettings settings = {})
      : node(std::move(settings), NodeInfo{.id = NodeId("id-a"), .name = NodeName("a")}) {}

  Node node;
  ClaimLedger ledger;
  MonotonicTime now = at(std::chrono::seconds(100));

  void pass(std::chrono::nanoseconds duration) { now += duration; }
  std::optional<SyncRequest> ask() {
    node.advance(now, ledger);
    return node.next_request(now, ledger);
  }
  void answer(const SyncReply& reply) { node.on_reply(reply, now); }
  void fail(ErrorCode code = ErrorCode::unavailable) { node.on_failure({code, "no"}, now); }
  /// A request must be due; it is answered at once.
  SyncRequest exchange(const SyncReply& reply) {
    SyncRequest request = ask().value();
    answer(reply);
    return request;
  }
  /// Joins the pool of these nodes, until it is steady.
  void join(std::uint64_t epoch, const std::vector<std::string>& names) {
    exchange(unsettled(epoch, names));
    exchange(settled(epoch));
    static_cast<void>(node.take_events());
  }

  [[nodiscard]] static ViewStamp stamp(std::uint64_t epoch) {
    return {"lineage", {epoch}, "view-" + std::to_string(epoch)};
  }
  /// The store's answer with a view that this node does not know yet.
  [[nodiscard]] static SyncReply unsettled(std::uint64_t epoch, std::vector<std::string> names) {
    SyncReply reply{.view = stamp(epoch)};
    reply.members.emplace();
    std::ranges::sort(names);
    for (const std::string& name : names) {
      reply.members->push_back({.id = NodeId("id-" + name), .name = NodeName(name)});
    }
    return reply;
  }
  [[nodiscard]] static SyncReply pending(std::uint64_t epoch) { return {.view = stamp(epoch)}; }
  [[nodiscard]] static SyncReply settled(std::uint64_t epoch, std::vector<Hold> holds = {}) {
    return {.view = stamp(epoch), .settled = true, .holds_of_others = std::move(holds)};
  }

  [[nodiscard]] NodeState state() const { return node.standing()->state; }
  [[nodiscard]] Decision decides(const std::string& job) const { return decide(*node.standing(), job, now); }
  [[nodiscard]] Reason why(const std::string& job) const { return decides(job).reason; }
  /// How often this happened since the last call for any kind.
  [[nodiscard]] std::vector<NodeEvent::Kind> happened() {
    std::vector<NodeEvent::Kind> kinds;
    for (const NodeEvent& event : node.take_events()) {
      if (event.kind != NodeEvent::Kind::state_changed) kinds.push_back(event.kind);
    }
    return kinds;
  }
};

}  // namespace nodepool::test
