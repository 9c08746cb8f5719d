#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <deque>
#include <ostream>
#include <string>
#include <vector>

#include "core/node.hpp"
#include "support/node_dialogue.hpp"
#include "support/store_dialogue.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::NodeDialogue;

struct Step {
  enum class Kind {
    pass,
    pass_to_wakeup,
    answer,
    fail,
    hint,
    release,
    claim,
    finish_claim,
    newcomer,
    drain,
    leave
  };
  Kind kind = Kind::pass;
  int amount = 0;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  constexpr std::array names{"pass",  "pass_to_wakeup", "answer",   "fail",  "hint", "release",
                             "claim", "finish_claim",   "newcomer", "drain", "leave"};
  return out << names[static_cast<std::size_t>(step.kind)] << "(" << step.amount << ")";
}

rc::Gen<Step> steps() {
  using Kind = Step::Kind;
  const auto kind = rc::gen::weightedElement<Kind>({{6, Kind::pass},
                                                    {10, Kind::pass_to_wakeup},
                                                    {30, Kind::answer},
                                                    {5, Kind::fail},
                                                    {3, Kind::hint},
                                                    {1, Kind::release},
                                                    {3, Kind::claim},
                                                    {2, Kind::finish_claim},
                                                    {2, Kind::newcomer},
                                                    {1, Kind::drain},
                                                    {1, Kind::leave}});
  return rc::gen::construct<Step>(kind, rc::gen::inRange(0, 3000));
}

/// One node with a real store's logic behind a line that the steps make good or bad; a second member comes to
/// the store now and then.
class Play {
 public:
  void step(const Step& step) {
    act(step);
    pump();
    check();
  }

 private:
  void act(const Step& step) {
    switch (step.kind) {
      case Step::Kind::pass:
        d_.pass(std::chrono::milliseconds(step.amount));
        return;
      case Step::Kind::pass_to_wakeup:
        if (d_.node.next_wakeup() != MonotonicTime::max()) d_.now = std::max(d_.now, d_.node.next_wakeup());
        return;
      case Step::Kind::answer:
        return answer();
      case Step::Kind::fail:
        if (under_way_) d_.fail();
        under_way_.reset();
        return;
      case Step::Kind::hint:
        return d_.node.on_hint({static_cast<Hint::Kind>(step.amount % 5), {1'000'000}, {}}, d_.now);
      case Step::Kind::release:
        return d_.node.on_release();
      case Step::Kind::claim:
        if (d_.decides("job")) {
          if (const auto serial = d_.ledger.add("job")) claims_.push_back(*serial);
        }
        return;
      case Step::Kind::finish_claim:
        if (!claims_.empty()) d_.ledger.remove("job", claims_.front());
        return claims_.clear();
      case Step::Kind::newcomer:
        tell_store_the_time();
        static_cast<void>(store_.try_sync("b" + std::to_string(step.amount % 2)));
        return;
      case Step::Kind::drain:
        return d_.node.drain(d_.now);
      case Step::Kind::leave:
        return d_.node.leave(d_.now);
    }
  }

  void answer() {
    if (!under_way_) return;
    tell_store_the_time();
    const auto outcome = apply_sync(store_.state, *under_way_, store_.now);
    RC_ASSERT(outcome.has_value());
    d_.answer(outcome->reply);
    last_answered_ = sent_at_;
    under_way_.reset();
  }

  /// What the shell does between two events.
  void pump() {
    if (auto request = d_.ask()) {
      RC_ASSERT(!under_way_);
      under_way_ = std::move(request);
      sent_at_ = d_.now;
    }
    static_cast<void>(d_.node.take_events());
  }

  void check() {
    RC_ASSERT(!d_.ask().has_value());
    if (d_.node.finished()) {
      RC_ASSERT(d_.state() == NodeState::stopped);
      RC_ASSERT(d_.why("job") == Reason::stopped);
      return;
    }
    RC_ASSERT(d_.node.next_wakeup() > d_.now);  // or the shell's loop would be busy
    if (const Decision yes = d_.decides("job")) {
      RC_ASSERT(yes.valid_until > d_.now);
      RC_ASSERT(yes.valid_until <= last_answered_ + NodeDialogue::kLeaseGiven);
      RC_ASSERT(store_.state->members.contains(NodeId("id-a")));
    }
    if (d_.state() == NodeState::steady) RC_ASSERT(d_.node.standing()->settled);
    if (under_way_) RC_ASSERT(d_.node.call_deadline(d_.now) <= d_.now + 1s);
  }

  void tell_store_the_time() {
    store_.now.time = std::chrono::duration_cast<std::chrono::microseconds>(d_.now.time_since_epoch());
  }

  NodeDialogue d_;
  test::StoreDialogue store_;
  std::optional<SyncRequest> under_way_;
  MonotonicTime sent_at_, last_answered_;
  std::vector<ClaimLedger::Serial> claims_;
};

RC_GTEST_PROP(NodeProperty, ItIsNeverBusyAndNeverSaysYesWithoutALease, ()) {
  Play play;
  for (const Step& step : *rc::gen::container<std::vector<Step>>(steps())) play.step(step);
}

/// After `leave` the end comes within a store time-out for the claims and one for the good-bye, whatever the
/// store does.
RC_GTEST_PROP(NodeProperty, AnEndIsBounded, ()) {
  NodeDialogue d(NodeSettings{.jitter_seed = *rc::gen::arbitrary<std::uint64_t>()});
  if (*rc::gen::arbitrary<bool>()) d.join(1, {"a"});
  if (*rc::gen::arbitrary<bool>()) static_cast<void>(d.ledger.add("job"));
  d.pass(std::chrono::milliseconds(*rc::gen::inRange(0, 4000)));
  bool under_way = *rc::gen::arbitrary<bool>() && d.ask().has_value();
  d.node.leave(d.now);
  const MonotonicTime bound = d.now + 3s;
  for (int i = 0; i < 1000 && !d.node.finished(); ++i) {
    const bool hangs = *rc::gen::arbitrary<bool>();
    if (under_way) {
      if (hangs) d.now = std::max(d.now, d.node.call_deadline(d.now));
      d.fail();
    }
    under_way = d.ask().has_value();
    if (!under_way && !d.node.finished()) d.now = std::max(d.now, d.node.next_wakeup());
    RC_ASSERT(d.now <= bound);
  }
  RC_ASSERT(d.node.finished());
}

}  // namespace
}  // namespace nodepool
