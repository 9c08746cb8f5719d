// What a node makes of hints that carry a detail: docs/protocol.md, "The store's side".

#include <gtest/gtest.h>

#include "support/node_dialogue.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::job_where;
using test::NodeDialogue;

NodeInfo member(const std::string& name) {
  return {.id = NodeId("id-" + name), .name = NodeName(name)};
}

/// The view that comes after the one with epoch - 1.
Hint view_hint(std::uint64_t epoch, std::vector<NodeInfo> present, std::vector<NodeId> gone = {}) {
  return {Hint::Kind::view,
          {epoch},
          Hint::Detail{NodeDialogue::stamp(epoch), {NodeDialogue::stamp(epoch - 1), gone, present}, {}}};
}

Hint hint_with_holds(Hint::Kind kind, std::uint64_t epoch, std::vector<std::string> held = {}) {
  return {kind, {epoch}, Hint::Detail{NodeDialogue::stamp(epoch), {}, std::move(held)}};
}

TEST(NodeHints, AViewIsAdoptedFromItsHintAndAcknowledgedByOneSync) {
  NodeDialogue d;
  d.join(1, {"a"});
  const std::string moves = job_where({{{"a"}, "a"}, {{"a", "b"}, "b"}});
  const std::string stays = job_where({{{"a", "b"}, "a"}});
  ASSERT_TRUE(d.decides(moves));

  d.node.on_hint(view_hint(2, {member("b")}), d.now);
  EXPECT_EQ(d.ask()->known, NodeDialogue::stamp(2));
  EXPECT_FALSE(d.decides(moves)) << "without the store's answer";
  EXPECT_TRUE(d.decides(stays));
}

TEST(NodeHints, ViewsHeardInARowAreAdoptedAsOne) {
  NodeDialogue d;
  d.join(1, {"a"});
  const std::string job = job_where({{{"a", "b"}, "b"}, {{"a", "c"}, "a"}});
  d.node.on_hint(view_hint(2, {member("b")}), d.now);
  d.node.on_hint(view_hint(3, {member("c")}, {NodeId("id-b")}), d.now);
  EXPECT_EQ(d.ask()->known, NodeDialogue::stamp(3));
  const auto& members = d.node.standing()->view->members;
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[1].name, NodeName("c"));
  EXPECT_TRUE(d.decides(job)) << "it moved away and back before this node had adopted anything";
}

TEST(NodeHints, AHintWithAGapBeforeItIsAReasonToAsk) {
  NodeDialogue d;
  d.join(1, {"a"});
  d.node.on_hint(view_hint(3, {member("c")}), d.now);
  EXPECT_EQ(d.ask()->known, NodeDialogue::stamp(1));
}

TEST(NodeHints, AnOldHintIsNoReasonForAnything) {
  NodeDialogue d;
  d.join(2, {"a", "b"});
  d.node.on_hint(view_hint(2, {member("b")}), d.now);
  d.node.on_hint(hint_with_holds(Hint::Kind::settled, 1), d.now);
  EXPECT_FALSE(d.ask().has_value());
  EXPECT_EQ(d.state(), NodeState::steady);
}

TEST(NodeHints, AViewWithoutThisNodeIsNotAdoptedFromAHint) {
  NodeDialogue d;
  d.join(1, {"a", "b"});
  d.node.on_hint(view_hint(2, {}, {NodeId("id-a")}), d.now);
  EXPECT_TRUE(d.ask().has_value()) << "it asks for its admission";
  EXPECT_EQ(d.node.standing()->view->stamp, NodeDialogue::stamp(1));
  EXPECT_TRUE(d.happened().empty()) << "and nothing has failed";
}

TEST(NodeHints, TheSettledHintMakesSteadyWithoutASync) {
  NodeDialogue d;
  d.join(1, {"a"});
  d.node.on_hint(view_hint(2, {member("b")}), d.now);
  d.exchange(NodeDialogue::pending(2));
  ASSERT_EQ(d.state(), NodeState::upgrading);
  d.node.on_hint(hint_with_holds(Hint::Kind::settled, 2), d.now);
  EXPECT_EQ(d.state(), NodeState::steady);
  EXPECT_FALSE(d.ask().has_value());
}

TEST(NodeHints, TheSettledHintGrantsNothingThatIsHeld) {
  NodeDialogue d;
  const std::string job = job_where({{{"a", "b"}, "b"}, {{"a"}, "a"}});
  d.join(1, {"a", "b"});
  d.node.on_hint(view_hint(2, {}, {NodeId("id-b")}), d.now);
  d.exchange(NodeDialogue::pending(2));
  d.node.on_hint(hint_with_holds(Hint::Kind::settled, 2, {job}), d.now);
  EXPECT_EQ(d.why(job), Reason::held_by_other);
  d.node.on_hint(hint_with_holds(Hint::Kind::release, 2), d.now);
  EXPECT_TRUE(d.decides(job)) << "released, and heard of without a sync";
  EXPECT_FALSE(d.ask().has_value());
}

TEST(NodeHints, ALateReleaseHintBringsNoHoldBack) {
  NodeDialogue d;
  const std::string job = job_where({{{"a", "b"}, "b"}, {{"a"}, "a"}});
  d.join(1, {"a", "b"});
  d.node.on_hint(view_hint(2, {}, {NodeId("id-b")}), d.now);
  d.exchange(NodeDialogue::settled(2));
  ASSERT_TRUE(d.decides(job));
  d.node.on_hint(hint_with_holds(Hint::Kind::release, 2, {job}), d.now);
  EXPECT_TRUE(d.decides(job));
}

TEST(NodeHints, ADifferenceThatDoesNotApplyMakesTheNodeAskForAllMembers) {
  NodeDialogue d;
  d.join(1, {"a"});
  SyncReply reply{.view = NodeDialogue::stamp(3)};
  reply.change = ViewChange{NodeDialogue::stamp(2), {}, {member("b")}};
  d.pass(1s);
  d.exchange(reply);
  d.pass(1s);
  EXPECT_TRUE(d.ask()->known.empty());
  d.answer(NodeDialogue::unsettled(3, {"a", "b"}));
  EXPECT_EQ(d.ask()->known, NodeDialogue::stamp(3));
}

TEST(NodeHints, AnAnswerWithAnOlderViewIsIgnored) {
  NodeDialogue d;
  d.join(2, {"a", "b"});
  d.pass(1s);
  d.exchange(NodeDialogue::unsettled(1, {"a"}));
  EXPECT_EQ(d.node.standing()->view->stamp, NodeDialogue::stamp(2));
}

TEST(NodeHints, ANodeWithoutItsLeaseTakesNothingFromAHint) {
  NodeDialogue d;
  d.join(1, {"a"});
  const std::string job = job_where({{{"a"}, "a"}});
  d.pass(NodeDialogue::kLeaseGiven);
  d.node.on_hint(hint_with_holds(Hint::Kind::settled, 1), d.now);
  EXPECT_FALSE(d.decides(job));
  d.node.advance(d.now, d.ledger);
  d.node.on_hint(hint_with_holds(Hint::Kind::settled, 1), d.now);
  d.node.on_hint(view_hint(2, {member("b")}), d.now);
  EXPECT_EQ(d.state(), NodeState::suspended);
  EXPECT_EQ(d.why(job), Reason::lease_lost);
  EXPECT_EQ(d.ask()->known, NodeDialogue::stamp(1));
}

TEST(NodeHints, AWaitingNodeHasNoLeaseAndAsksWhenItIsTold) {
  NodeDialogue d;
  SyncReply reply = NodeDialogue::settled(7);  // which says nothing to a node that is no member
  reply.waiting = true;
  reply.look_again_in = 200ms;
  d.exchange(reply);
  EXPECT_EQ(d.state(), NodeState::joining);
  EXPECT_FALSE(d.node.standing()->lease);
  EXPECT_FALSE(d.ask().has_value());
  d.pass(211ms);
  EXPECT_TRUE(d.ask().has_value());
  d.answer(reply);
  d.node.on_hint(hint_with_holds(Hint::Kind::settled, 7), d.now);
  EXPECT_TRUE(d.ask().has_value()) << "what it waited for has happened";
}

}  // namespace
}  // namespace nodepool
