// What a store says of its own: what a reply is worth, and what people should know.

#include <gtest/gtest.h>

#include "support/node_dialogue.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::NodeDialogue;

SyncReply worth(SyncReply reply, std::chrono::microseconds lease) {
  reply.lease = lease;
  return reply;
}
SyncReply warning(SyncReply reply, std::vector<std::string> sentences) {
  reply.warnings = std::move(sentences);
  return reply;
}
std::vector<std::string> told(NodeDialogue& dialogue) {
  std::vector<std::string> sentences;
  for (const NodeEvent& event : dialogue.node.take_events()) {
    if (event.kind == NodeEvent::Kind::store_warns) sentences.push_back(event.warning);
  }
  return sentences;
}

TEST(NodeLease, IsWhatTheReplySaysLessTheDriftOfTheClocks) {
  NodeDialogue a;
  a.exchange(worth(NodeDialogue::unsettled(1, {"a"}), 10s));
  a.exchange(worth(NodeDialogue::settled(1), 10s));
  a.pass(9899ms);
  EXPECT_TRUE(a.decides("job"));
  a.pass(1ms);
  EXPECT_EQ(a.why("job"), Reason::lease_lost) << "one percent of ten seconds is taken off, and no clock step";
}

TEST(NodeLease, OfAReplyCountsFromBeforeTheRequestWasSent) {
  NodeDialogue a;
  ASSERT_TRUE(a.ask());
  a.pass(400ms);
  a.answer(worth(NodeDialogue::unsettled(1, {"a"}), 1s));
  a.exchange(worth(NodeDialogue::settled(1), 100ms));
  a.pass(589ms);
  EXPECT_TRUE(a.decides("job")) << "a reply that is worth less takes nothing away";
  a.pass(1ms);
  EXPECT_FALSE(a.decides("job"));
}

TEST(NodeLease, AReplyThatIsWorthLessThanItsWayTookIsTooLate) {
  NodeDialogue a;
  ASSERT_TRUE(a.ask());
  a.pass(400ms);
  a.answer(worth(NodeDialogue::unsettled(1, {"a"}), 400ms));
  EXPECT_EQ(a.happened(), std::vector{NodeEvent::Kind::reply_too_late});
  EXPECT_EQ(a.state(), NodeState::joining);
}

TEST(NodeWarnings, AreToldOnceAsLongAsTheyAreRepeatedAndAgainAfterTheyWentAway) {
  NodeDialogue a;
  a.exchange(warning(NodeDialogue::unsettled(1, {"a"}), {"it rains"}));
  EXPECT_EQ(told(a), std::vector<std::string>{"it rains"});
  a.exchange(warning(NodeDialogue::settled(1), {"it rains"}));
  EXPECT_TRUE(told(a).empty());
  a.pass(1s);
  a.exchange(warning(NodeDialogue::settled(1), {"it storms", "it rains"}));
  EXPECT_EQ(told(a), std::vector<std::string>{"it storms"});
  a.pass(1s);
  a.exchange(NodeDialogue::settled(1));
  EXPECT_TRUE(told(a).empty());
  a.pass(1s);
  a.exchange(warning(NodeDialogue::settled(1), {"it rains"}));
  EXPECT_EQ(told(a), std::vector<std::string>{"it rains"});
}

}  // namespace
}  // namespace nodepool
