// What Sentinels and clusters say about where the keys are.

#include <gtest/gtest.h>

#include "driver/redis/cluster_text.hpp"
#include "driver/redis/sentinel_text.hpp"

namespace nodepool::redis {
namespace {

const Endpoint kAsked{.host = "asked", .port = 7000};

Reply text_reply(std::string value) {
  return {.kind = Reply::Kind::text, .text = std::move(value)};
}
Reply number(std::int64_t value) {
  return {.kind = Reply::Kind::integer, .integer = value};
}
Reply list_reply(std::vector<Reply> items) {
  return {.kind = Reply::Kind::array, .items = std::move(items)};
}

TEST(RedisSlot, IsThatOfTheHashTag) {
  EXPECT_EQ(slot_of("123456789"), 0x31C3U % 16384);  // the check value of this CRC
  EXPECT_EQ(slot_of(""), 0U);
  EXPECT_EQ(slot_of("nodepool:{123456789}:pool"), slot_of("123456789"));
  EXPECT_EQ(slot_of("a{123456789}{x}"), slot_of("123456789"));
  EXPECT_EQ(slot_of("foo"), 12182U);
  EXPECT_NE(slot_of("{}foo"), slot_of("foo"));  // an empty tag is none
  EXPECT_EQ(slot_of("foo{bar"), slot_of(std::string("foo{bar")));
  EXPECT_NE(slot_of("foo{bar"), slot_of("bar"));
}

TEST(RedisRedirection, NamesTheServerToAsk) {
  EXPECT_EQ(read_redirection("MOVED 3999 10.0.0.1:6381", kAsked),
            (Redirection{Redirection::Kind::moved, {.host = "10.0.0.1", .port = 6381}}));
  EXPECT_EQ(read_redirection("ASK 3999 redis-2.example:6381", kAsked),
            (Redirection{Redirection::Kind::ask, {.host = "redis-2.example", .port = 6381}}));
  EXPECT_EQ(read_redirection("MOVED 1 ::1:6381", kAsked)->target, (Endpoint{.host = "::1", .port = 6381}));
  EXPECT_EQ(read_redirection("MOVED 1 :6381", kAsked)->target, (Endpoint{.host = "asked", .port = 6381}));
  for (const char* none : {"", "MOVED", "MOVED 1", "MOVED 1 host", "MOVED 1 host:", "MOVED 1 host:0",
                           "MOVED 1 host:70000", "MOVED 1 ?:6381", "ERR MOVED 1 host:1", "ASKING 1 host:1"}) {
    EXPECT_FALSE(read_redirection(none, kAsked)) << none;
  }
  EXPECT_TRUE(is_between_servers("TRYAGAIN Multiple keys request during rehashing of slot"));
  EXPECT_FALSE(is_between_servers("CLUSTERDOWN Hash slot not served"));
}

TEST(RedisClusterSlots, NameTheOwnerAndAllOthers) {
  const Reply reply = list_reply(
      {list_reply({number(0), number(99), list_reply({text_reply("a"), number(1), text_reply("id")}),
                   list_reply({text_reply("b"), number(2), text_reply("id")})}),
       list_reply({number(100), number(200),
                   list_reply({text_reply("c"), number(3), text_reply("id"), list_reply({})}),
                   list_reply({text_reply("d"), number(4), text_reply("id")})}),
       list_reply({number(300), number(300), list_reply({text_reply("a"), number(1), text_reply("id")})})});
  const auto nodes = read_cluster_slots(reply, 100, kAsked);
  ASSERT_TRUE(nodes);
  EXPECT_EQ(nodes->owner, (Endpoint{.host = "c", .port = 3}));
  EXPECT_EQ(
      nodes->others,
      (std::vector<Endpoint>{{.host = "a", .port = 1}, {.host = "b", .port = 2}, {.host = "d", .port = 4}}));
  EXPECT_EQ(read_cluster_slots(reply, 300, kAsked)->owner, (Endpoint{.host = "a", .port = 1}));
  EXPECT_EQ(read_cluster_slots(reply, 201, kAsked)->owner, std::nullopt);
}

TEST(RedisClusterSlots, MayLeaveTheHostToTheAsker) {
  const auto owner_of = [](const Reply& node) {
    return read_cluster_slots(list_reply({list_reply({number(0), number(9), node})}), 5, kAsked)->owner;
  };
  const Endpoint same_host{.host = "asked", .port = 3};
  EXPECT_EQ(owner_of(list_reply({Reply{}, number(3), text_reply("id"), list_reply({})})), same_host);
  EXPECT_EQ(owner_of(list_reply({text_reply(""), number(3), text_reply("id")})), same_host);
  EXPECT_EQ(owner_of(list_reply({text_reply("?"), number(3), text_reply("id"),
                                 list_reply({text_reply("ip"), text_reply("10.0.0.3")})})),
            (Endpoint{.host = "10.0.0.3", .port = 3}));
  EXPECT_EQ(owner_of(list_reply({text_reply("?"), number(3), text_reply("id"), list_reply({})})),
            std::nullopt);
  EXPECT_EQ(owner_of(list_reply({text_reply("h"), number(70000), text_reply("id")})), std::nullopt);
}

TEST(RedisClusterSlots, AreNothingElse) {
  EXPECT_FALSE(read_cluster_slots(text_reply("OK"), 0, kAsked));
  EXPECT_FALSE(read_cluster_slots(list_reply({text_reply("x")}), 0, kAsked));
  EXPECT_FALSE(read_cluster_slots(list_reply({list_reply({number(1)})}), 0, kAsked));
  EXPECT_EQ(read_cluster_slots(list_reply({}), 0, kAsked), ClusterNodes{});
}

TEST(RedisSentinel, TellsTheMastersAddress) {
  EXPECT_EQ(read_master_address(list_reply({text_reply("10.0.0.1"), text_reply("6379")})),
            (Endpoint{.host = "10.0.0.1", .port = 6379}));
  for (const Reply& none :
       {Reply{}, text_reply("x"), list_reply({text_reply("h")}),
        list_reply({text_reply("h"), text_reply("x")}), list_reply({text_reply(""), text_reply("1")}),
        list_reply({text_reply("h"), text_reply("0")})}) {
    EXPECT_FALSE(read_master_address(none));
  }
}

TEST(RedisSentinel, TellsOfANewMaster) {
  EXPECT_EQ(read_switch("mymaster 10.0.0.1 6379 10.0.0.2 6380", "mymaster"),
            (Endpoint{.host = "10.0.0.2", .port = 6380}));
  for (const char* none : {"", "mymaster", "other 10.0.0.1 6379 10.0.0.2 6380", "mymaster a 1 b",
                           "mymaster a 1 b x", "mymaster a 1 b 2 c"}) {
    EXPECT_FALSE(read_switch(none, "mymaster")) << none;
  }
}

}  // namespace
}  // namespace nodepool::redis
