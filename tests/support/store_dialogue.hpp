#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nodepool/view_store.hpp"
#include "support/membership.hpp"

namespace nodepool::test {

/// A store's side of the protocol and the nodes that talk to it, so that a test reads as a dialogue. Time
/// passes only where the test says so. A node adopts the view of each reply, unless told otherwise.
class StoreDialogue {
 public:
  std::optional<PoolState> state;
  StoreNow now{.time = std::chrono::seconds(1000),
               .unix_time = std::chrono::milliseconds(5000),
               .run_id = "run-1",
               .proven_fresh = true};
  std::vector<Hint> hints;  ///< What the last sync published.

  /// The next request of this node, to be changed before it is sent. A node is made when first named; its id
  /// is its name.
  SyncRequest& node(const std::string& name) {
    const auto [found, is_new] = requests_.try_emplace(name);
    if (is_new) found->second.node = {.id = NodeId(name), .name = NodeName(name)};
    return found->second;
  }

  Result<SyncReply> try_sync(const std::string& name) {
    SyncRequest& request = node(name);
    ++request.sequence;
    request.nonce = name + "." + std::to_string(request.sequence);
    auto outcome = apply_sync(state, request, now);
    hints.clear();
    if (!outcome) return tl::unexpected(outcome.error());
    hints = outcome->publish;
    return outcome->reply;
  }

  /// A heartbeat that must not be refused; its view is adopted. A reply with another view has all members.
  SyncReply sync(const std::string& name) {
    SyncReply reply = try_sync(name).value();
    memberships_[name].complete(reply);
    if (!reply.waiting) node(name).known = reply.view;
    return reply;
  }

  /// A heartbeat whose reply is lost.
  void sync_unheard(const std::string& name) { static_cast<void>(try_sync(name).value()); }

  SyncReply leave(const std::string& name) {
    node(name).intent = Intent::leaving;
    SyncReply reply = try_sync(name).value();
    requests_.erase(name);
    return reply;
  }

  void pass(std::chrono::microseconds duration) { now.time += duration; }

  /// These nodes go on with their heartbeats, one a second, for so long; nobody else does.
  void live(const std::vector<std::string>& names, std::chrono::seconds duration) {
    for (auto left = duration; left.count() > 0; left -= std::chrono::seconds(1)) {
      pass(std::chrono::seconds(1));
      for (const std::string& name : names) sync(name);
    }
  }

  /// All of them join and acknowledge: the view is settled, and all know it.
  void settle(const std::vector<std::string>& names) {
    for (int round = 0; round < 3; ++round) {
      for (const std::string& name : names) sync(name);
    }
  }

  [[nodiscard]] bool has(const std::string& name) const {
    return state && state->members.contains(NodeId(name));
  }
  [[nodiscard]] bool published(Hint::Kind kind) const {
    for (const Hint& hint : hints) {
      if (hint.kind == kind) return true;
    }
    return false;
  }

 private:
  std::map<std::string, SyncRequest> requests_;
  std::map<std::string, Membership> memberships_;
};

}  // namespace nodepool::test
