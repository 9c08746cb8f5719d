#include <gtest/gtest.h>

#include "driver/redis/step_text.hpp"
#include "nodepool/view_store.hpp"

namespace nodepool::redis {
namespace {

NodeInfo node(const std::string& name) {
  return {.id = NodeId("id-" + name), .name = NodeName(name)};
}

TEST(RedisStepText, AHintIsReadOrRefused) {
  const auto hint = read_hint("view 17 id-a");
  ASSERT_TRUE(hint);
  EXPECT_EQ(hint->hint, (Hint{Hint::Kind::view, Epoch{17}, std::nullopt}));
  EXPECT_EQ(hint->node, NodeId("id-a"));
  for (const char* text :
       {"", "view", "view ", "view x y", "view 1", "views 1 x", "view 99999999999999999999 x"}) {
    EXPECT_FALSE(read_hint(text)) << text;
  }
}

TEST(RedisStepText, AViewHintIsReadWithItsStep) {
  const auto hint = read_hint("view 17 id-z lin id-z.4 16 id-y.9\n-id-a\n+" + encode_node(node("c")) + "\n+" +
                              encode_node(node("b")));
  ASSERT_TRUE(hint && hint->hint.detail);
  EXPECT_EQ(hint->node, NodeId("id-z"));
  EXPECT_EQ(hint->hint.detail->view, (ViewStamp{"lin", {17}, "id-z.4"}));
  EXPECT_EQ(hint->hint.detail->change,
            (ViewChange{{"lin", {16}, "id-y.9"}, {NodeId("id-a")}, {node("b"), node("c")}}));
}

TEST(RedisStepText, ASettledHintIsReadWithTheHeldJobs) {
  const auto hint = read_hint("settled 17 id-z lin id-z.4\nsecond job\nfirst job");
  ASSERT_TRUE(hint && hint->hint.detail);
  EXPECT_EQ(hint->hint.detail->held, (std::vector<std::string>{"first job", "second job"}));
  const auto none = read_hint("settled 17 id-z lin id-z.4\n");
  ASSERT_TRUE(none && none->hint.detail);
  EXPECT_TRUE(none->hint.detail->held.empty());
}

TEST(RedisStepText, AnUnreadableDetailLeavesTheHintWithoutIt) {
  for (const char* text : {"view 17 id-z", "view 17 id-z lin", "view 17 id-z lin v 16",
                           "view 17 id-z lin v x w", "view 17 id-z lin v 16 w more",
                           "view 17 id-z lin v 16 w\n+no record", "settled 17 id-z", "settled 17 id-z lin"}) {
    const auto hint = read_hint(text);
    ASSERT_TRUE(hint.has_value()) << text;
    EXPECT_FALSE(hint->hint.detail.has_value()) << text;
    EXPECT_EQ(hint->hint.epoch, Epoch{17});
  }
}

TEST(RedisStepText, StepsAreReadAsOneChange) {
  const auto change = decode_steps(
      "lin", {"v3 2 v2\n+" + encode_node(node("c")), "v2 1 v1\n-id-a\n+" + encode_node(node("b"))});
  ASSERT_TRUE(change.has_value());
  EXPECT_EQ(*change, (ViewChange{{"lin", {1}, "v1"}, {NodeId("id-a")}, {node("b"), node("c")}}));
  EXPECT_FALSE(decode_steps("lin", {"v3 two v2\n"}).has_value());
  EXPECT_FALSE(decode_steps("lin", {"v3 2 v2\n+{}"}).has_value());
}

}  // namespace
}  // namespace nodepool::redis
