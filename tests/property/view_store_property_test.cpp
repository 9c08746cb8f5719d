#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "nodepool/view_store.hpp"
#include "support/store_dialogue.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::StoreDialogue;

/// One thing that happens; `amount` means what the kind makes of it.
struct Step {
  enum class Kind {
    sync,
    sync_unheard,
    late,
    leave,
    pass,
    hold,
    release,
    weight,
    drain,
    restart,
    fail_over,
    wipe
  };
  Kind kind = Kind::sync;
  int node = 0;
  int amount = 0;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  constexpr std::array names{"sync",    "sync_unheard", "late",  "leave",   "pass",      "hold",
                             "release", "weight",       "drain", "restart", "fail_over", "wipe"};
  return out << names[static_cast<std::size_t>(step.kind)] << "(n" << step.node << "," << step.amount << ")";
}

rc::Gen<Step> steps() {
  using Kind = Step::Kind;
  const auto kind = rc::gen::weightedElement<Kind>({{20, Kind::sync},
                                                    {3, Kind::sync_unheard},
                                                    {2, Kind::late},
                                                    {1, Kind::leave},
                                                    {10, Kind::pass},
                                                    {2, Kind::hold},
                                                    {2, Kind::release},
                                                    {1, Kind::weight},
                                                    {1, Kind::drain},
                                                    {1, Kind::restart},
                                                    {1, Kind::fail_over},
                                                    {1, Kind::wipe}});
  return rc::gen::construct<Step>(kind, rc::gen::inRange(0, 4), rc::gen::inRange(-2000, 3000));
}

/// Plays the steps on a store, and checks after each sync what must hold whatever happened before.
class Play {
 public:
  Play() { d_.now.batches_from = 2; }
  void step(const Step& step) {
    const std::string name = "n" + std::to_string(step.node);
    SyncRequest& request = d_.node(name);
    switch (step.kind) {
      case Step::Kind::sync:
      case Step::Kind::sync_unheard:
        return sync(name, step.kind == Step::Kind::sync);
      case Step::Kind::late:
        return late(request, step.amount);
      case Step::Kind::leave:
        request.intent = Intent::leaving;
        sync(name, true);
        request.intent = Intent::active;
        request.known = {};
        return;
      case Step::Kind::pass:
        return d_.pass(std::chrono::milliseconds(step.amount));
      case Step::Kind::hold:
        request.held = {"job" + std::to_string(step.amount % 3), "z"};
        return;
      case Step::Kind::release:
        return request.held.clear();
      case Step::Kind::weight:
        request.node.weight = 1 + static_cast<unsigned>(step.amount & 3);
        return;
      case Step::Kind::drain:
        if (d_.state) static_cast<void>(apply_drain_request(*d_.state, NodeId(name)));
        return;
      case Step::Kind::restart:
        d_.now.run_id += "'";
        return;
      case Step::Kind::fail_over:
        d_.state = replica_;
        d_.now.run_id += "+";
        return;
      case Step::Kind::wipe:
        d_.state.reset();
        d_.now.proven_fresh = false;
        return;
    }
  }

 private:
  void sync(const std::string& name, bool heard) {
    const auto before = d_.state;
    SyncRequest& request = d_.node(name);
    const ViewStamp known = request.known;
    const auto reply = d_.try_sync(name);
    RC_ASSERT(reply.has_value());
    if (!d_.state) return;
    if (request.intent != Intent::leaving) check_reply(*reply, request);
    if (before) check_change(*before, *d_.state);
    check_state(*d_.state);
    RC_ASSERT(d_.state->view.epoch >= known.epoch);
    if (heard && !reply->waiting) request.known = reply->view;
    if (d_.state->clock.count() % 5 == 0) replica_ = d_.state;  // a replica that lags behind
  }

  void late(SyncRequest request, int amount) {
    const auto member =
        d_.state ? d_.state->members.find(request.node.id) : decltype(d_.state->members.end()){};
    if (!d_.state || member == d_.state->members.end()) return;
    request.sequence = member->second.sequence - std::min<std::uint64_t>(member->second.sequence, amount & 1);
    request.held = {"late"};
    const PoolState before = *d_.state;
    RC_ASSERT(!apply_sync(d_.state, request, d_.now).has_value());
    RC_ASSERT(*d_.state == before);
  }

  static void check_change(const PoolState& before, const PoolState& after) {
    RC_ASSERT(after.view.epoch >= before.view.epoch);
    RC_ASSERT((after.view.view_id == before.view.view_id) == (after.view.epoch == before.view.epoch));
    RC_ASSERT(after.clock >= before.clock);
    RC_ASSERT(after.clock - before.clock <= clock_step_cap(before.config));
    RC_ASSERT(after.barrier_until >= before.barrier_until);
    if (after.view == before.view) {
      RC_ASSERT((after.settled || !before.settled));
      RC_ASSERT(std::ranges::equal(
          before.members, after.members, {}, [](const auto& m) { return m.second.info; },
          [](const auto& m) { return m.second.info; }));
    }
  }

  static void check_state(const PoolState& state) {
    const bool all = std::ranges::all_of(state.members, [](const auto& m) { return m.second.acknowledged; });
    RC_ASSERT(state.settled == (all && state.clock >= state.barrier_until));
    for (const auto& [id, member] : state.members) {
      RC_ASSERT(member.info.id == id);
      // Who is late stays only as long as evictions wait for each other.
      const bool batch_is_open = state.clock - state.view_since < state.config.heartbeat / 4;
      RC_ASSERT((member.lease_until > state.clock || batch_is_open));
      RC_ASSERT(member.lease_until <= state.clock + state.config.lease);
    }
    RC_ASSERT(decode_state(encode_state(state)).value() == state);
  }

  void check_reply(const SyncReply& reply, const SyncRequest& request) const {
    const PoolState& state = *d_.state;
    RC_ASSERT(reply.view == state.view);
    RC_ASSERT(reply.settled == state.settled);
    RC_ASSERT(reply.waiting == state.waiting.contains(request.node.id));
    const bool is_told = reply.members.has_value() != reply.change.has_value();
    RC_ASSERT(is_told == (request.known != reply.view && !reply.waiting));
    // In brackets, or both sides are evaluated.
    RC_ASSERT((!reply.look_again_in || reply.waiting || reply.look_again_in->count() > 0));
    RC_ASSERT(std::ranges::is_sorted(reply.holds_of_others));
    for (const Hold& hold : reply.holds_of_others) {
      RC_ASSERT(hold.node != request.node.id);
      RC_ASSERT(state.members.contains(hold.node));
    }
    if (reply.settled) RC_ASSERT(reply.barrier_left.count() == 0);
    if (reply.waiting) return;
    RC_ASSERT(state.members.at(request.node.id).lease_until == state.clock + state.config.lease);
  }

  StoreDialogue d_;
  std::optional<PoolState> replica_;
};

RC_GTEST_PROP(ViewStoreProperty, WhateverHappensTheStoreKeepsItsInvariants, ()) {
  Play play;
  for (const Step& step : *rc::gen::container<std::vector<Step>>(steps())) play.step(step);
}

// ---- texts

rc::Gen<std::string> hostile_text() {
  const std::string state = encode_state([] {
    StoreDialogue d;
    d.settle({"a", "b"});
    return *d.state;
  }());
  const auto changed = rc::gen::map(
      rc::gen::pair(rc::gen::inRange<std::size_t>(0, state.size()), rc::gen::arbitrary<std::string>()),
      [state](const auto& change) {
        std::string text = state;
        return text.replace(change.first, change.second.size() / 2, change.second);
      });
  const auto cut = rc::gen::map(rc::gen::inRange<std::size_t>(0, state.size()),
                                [state](std::size_t length) { return state.substr(0, length); });
  const auto numbers = rc::gen::map(
      rc::gen::pair(rc::gen::inRange<std::size_t>(0, state.size()), rc::gen::arbitrary<std::int64_t>()),
      [state](const auto& change) {
        std::string text = state;
        const std::size_t at = text.find_first_of("0123456789", change.first);
        if (at == std::string::npos) return text;
        const std::size_t end = text.find_first_not_of("0123456789", at);
        return text.replace(at, end - at, std::to_string(change.second));
      });
  return rc::gen::oneOf(rc::gen::arbitrary<std::string>(), changed, cut, numbers);
}

RC_GTEST_PROP(StateCodecProperty, HostileBytesAreAnErrorOrAStateThatWorks, ()) {
  const std::string text = *hostile_text();
  static_cast<void>(decode_node(text));
  static_cast<void>(parse_pool_config(text));
  auto decoded = decode_state(text);
  if (!decoded) {
    RC_ASSERT(decoded.error().code == ErrorCode::store_corrupt);
    return;
  }
  std::optional<PoolState> state = std::move(*decoded);
  SyncRequest request{
      .config = state->config, .node = {.id = NodeId("x"), .name = NodeName("x")}, .sequence = 1};
  request.nonce = "n";
  const StoreNow now{.time = 1000s, .unix_time = 1ms, .run_id = "r"};
  static_cast<void>(status_of(*state));
  static_cast<void>(apply_sync(state, request, now));
}

RC_GTEST_PROP(StateCodecProperty, EveryNodeReadsBack, ()) {
  const auto plain = rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
  NodeInfo node{.id = NodeId(*plain), .name = NodeName(*plain), .weight = *rc::gen::arbitrary<unsigned>()};
  node.zone = *plain;
  node.address = *plain;
  node.metadata = *rc::gen::container<std::map<std::string, std::string>>(plain, plain);
  node.draining = *rc::gen::arbitrary<bool>();
  RC_ASSERT(decode_node(encode_node(node)).value() == node);
}

}  // namespace
}  // namespace nodepool
