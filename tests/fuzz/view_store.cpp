#include "nodepool/view_store.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "fuzz/finding.hpp"
#include "fuzz/targets.hpp"
#include "support/store_dialogue.hpp"

namespace nodepool::fuzz {
namespace {

using test::StoreDialogue;

constexpr std::array kNames{"a", "b", "c", "d"};

/// Plays bytes on a store: each step is one byte that says what happens and to whom, and one that says how
/// much. After each step the store's invariants are checked.
class Play {
 public:
  void check_text() const {
    if (!store_.state) return;
    expect(decode_state(encode_state(*store_.state)) == *store_.state, "a state reads back");
  }

  void step(unsigned char what, unsigned char amount) {
    const std::string name = kNames.at(what % kNames.size());
    SyncRequest& request = store_.node(name);
    switch (what / kNames.size() % 16) {
      case 0:
      case 1:
      case 2:
      case 3:
        return sync(name, true);
      case 4:
        return sync(name, false);
      case 5:
        return leave(name);
      case 6:
      case 7:
        return store_.pass(std::chrono::milliseconds(amount * 40));
      case 8:  // a step of the server's clock, either way
        return store_.pass(std::chrono::minutes(static_cast<signed char>(amount)));
      case 9:
        return hold(request, amount);
      case 10:
        request.node.weight = 1 + amount % 4U;
        return;
      case 11:
        if (store_.state) static_cast<void>(apply_drain_request(*store_.state, request.node.id));
        request.intent = amount % 2 == 0 ? Intent::active : Intent::draining;
        request.node.draining = request.intent == Intent::draining;
        return;
      case 12:
        store_.now.run_id += "'";
        return;
      case 13:
        return trouble(amount);
      case 14:
        request.config.points = 50 + amount % 2U;
        return;
      default:
        return forge(request, amount);
    }
  }

 private:
  /// A replica that lags behind takes over, or all is lost.
  void trouble(unsigned char amount) {
    store_.state = amount % 2 == 0 ? replica_ : std::nullopt;
    store_.now.run_id += "+";
    store_.now.proven_fresh = false;
  }

  /// A caller from another history, or one that counts wrongly.
  static void forge(SyncRequest& request, unsigned char amount) {
    if (amount % 3 == 0) request.known.view_id = "forged";
    if (amount % 3 == 1) request.known = {"elsewhere", {amount}, "forged"};
    if (amount % 3 == 2) request.sequence -= std::min<std::uint64_t>(request.sequence, amount);
  }

  static void hold(SyncRequest& request, unsigned char amount) {
    request.held.clear();
    for (int job = 0; job < 8; ++job) {
      if ((amount >> job & 1) != 0) request.held.push_back("job" + std::to_string(job));
    }
  }

  void leave(const std::string& name) {
    SyncRequest& request = store_.node(name);
    const Intent before = std::exchange(request.intent, Intent::leaving);
    sync(name, false);
    request.intent = before;
    request.known = {};
    if (store_.state) {
      expect(!store_.has(name) || !left_, "who has left is no member");
    }
  }

  void sync(const std::string& name, bool heard) {
    const auto before = store_.state;
    SyncRequest& request = store_.node(name);
    const auto reply = store_.try_sync(name);
    left_ = reply && request.intent == Intent::leaving;
    if (!reply) {
      expect(store_.state == before, "a refused request changes nothing");
      return;
    }
    if (!store_.state) return;
    check_state(*store_.state);
    if (before) check_change(*before, *store_.state);
    check_reply(*reply, request);
    if (heard && !left_) request.known = reply->view;
    if (reply->pool_clock.count() % 3 == 0) replica_ = store_.state;
  }

  static void check_state(const PoolState& state) {
    const bool all =
        std::ranges::all_of(state.members, [](const auto& each) { return each.second.acknowledged; });
    expect(!state.settled || all, "settled: every member has acknowledged");
    expect(!state.settled || state.clock >= state.barrier_until, "settled: no barrier is pending");
    for (const auto& [id, member] : state.members) {
      expect(member.info.id == id, "a member stands under its id");
      expect(member.lease_until > state.clock, "a member has a lease");
      expect(member.lease_until <= state.clock + state.config.lease, "no lease is longer than a lease");
    }
  }

  static void check_change(const PoolState& before, const PoolState& after) {
    expect(after.view.epoch >= before.view.epoch, "an epoch never falls");
    expect((after.view.epoch == before.view.epoch) == (after.view.view_id == before.view.view_id),
           "a new view has a new epoch and a new id");
    expect(after.clock >= before.clock && after.clock - before.clock <= clock_step_cap(before.config),
           "the pool's clock goes forward, by no more than the cap");
    expect(after.barrier_until >= before.barrier_until, "a barrier is never shortened");
    if (after.view != before.view) return;
    expect(std::ranges::equal(before.members, after.members, {}, info_of, info_of),
           "the members of a view do not change");
  }
  static const NodeInfo& info_of(const std::pair<const NodeId, MemberState>& entry) {
    return entry.second.info;
  }

  void check_reply(const SyncReply& reply, const SyncRequest& request) const {
    const PoolState& state = *store_.state;
    expect(reply.view == state.view && reply.settled == state.settled, "a reply tells what is stored");
    expect(reply.view.epoch >= request.known.epoch, "no caller is given an older epoch");
    expect(reply.waiting == state.waiting.contains(request.node.id), "who waits is told so");
    expect(!(reply.members && reply.change), "members come as a list or as a difference");
    expect((reply.members || reply.change) == (request.known != reply.view && !reply.waiting),
           "members come with a view that is new");
    expect(std::ranges::is_sorted(reply.holds_of_others), "holds ascend");
    for (const Hold& hold : reply.holds_of_others) {
      expect(hold.node != request.node.id && state.members.contains(hold.node), "only other members hold");
    }
    const bool is_member = state.members.contains(request.node.id);
    expect(is_member == (request.intent != Intent::leaving),
           "who heartbeats is a member, who leaves is none");
  }

  StoreDialogue store_;
  std::optional<PoolState> replica_;
  bool left_ = false;
};

}  // namespace

void view_store(std::string_view bytes) {
  Play play;
  for (std::size_t at = 0; at + 1 < std::min<std::size_t>(bytes.size(), 400); at += 2) {
    play.step(static_cast<unsigned char>(bytes[at]), static_cast<unsigned char>(bytes[at + 1]));
  }
  play.check_text();
}

}  // namespace nodepool::fuzz
