#include <gtest/gtest.h>

#include <string>

#include "nodepool/view_store.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;

NodeInfo full_node() {
  return {.id = NodeId("id"),
          .name = NodeName("caf\xc3\xa9"),
          .weight = 3,
          .zone = "z",
          .address = "10.0.0.1:80",
          .metadata = {{"k", "v"}, {"quote", "\"\\"}},
          .draining = true};
}

PoolState full_state() {
  PoolState state;
  state.config.points = 9;
  state.view = {"lineage", {12345678901234567U}, "view"};
  state.run_id = "run";
  state.clock = 77us;
  state.last_time = -5s;
  state.barrier_until = 4s;
  state.settled = true;
  state.members[NodeId("id")] = {.info = full_node(),
                                 .lease_until = 5s,
                                 .sequence = 6,
                                 .acknowledged = true,
                                 .drain_requested = true,
                                 .held = {"a job", "b"}};
  return state;
}

TEST(StateCodec, ANodesTextIsOneLineInAFixedOrder) {
  EXPECT_EQ(encode_node({.id = NodeId("i"), .name = NodeName("n")}), R"({"id":"i","name":"n","weight":1})");
  EXPECT_EQ(encode_node({.id = NodeId("i"), .name = NodeName("n"), .zone = "z", .draining = true}),
            R"({"id":"i","name":"n","weight":1,"zone":"z","draining":true})");
  EXPECT_EQ(encode_node(full_node()).find('\n'), std::string::npos);
}

TEST(StateCodec, ANodeReadsBack) {
  EXPECT_EQ(decode_node(encode_node(full_node())).value(), full_node());
}

TEST(StateCodec, AStateReadsBack) {
  EXPECT_EQ(decode_state(encode_state(full_state())).value(), full_state());
  EXPECT_EQ(decode_state(encode_state(PoolState{})).value(), PoolState{});
}

TEST(StateCodec, WhatIsNoRecordIsRefusedAsCorrupt) {
  for (const char* bad : {"", "null", "5", "[]", "{}", "{\"id\":1,\"name\":\"n\",\"weight\":1}",
                          R"({"id":"i","name":"n","weight":1,"metadata":5})",
                          R"({"id":"i","name":"n","weight":1,"metadata":{"k":1}})",
                          R"({"id":"i","name":"n","weight":1}x)", "\xff\xfe"}) {
    const auto decoded = decode_node(bad);
    ASSERT_FALSE(decoded.has_value()) << bad;
    EXPECT_EQ(decoded.error().code, ErrorCode::store_corrupt);
  }
}

TEST(StateCodec, ANumberOutOfItsRangeIsRefusedRatherThanBent) {
  for (const char* weight : {"-1", "4294967297", "1.5", "1e300", "true", "\"1\""}) {
    const std::string text = std::string(R"({"id":"i","name":"n","weight":)") + weight + "}";
    EXPECT_FALSE(decode_node(text).has_value()) << weight;
  }
}

/// The store's arithmetic on times must not overflow, whatever stands in the store.
TEST(StateCodec, AnEpochWhoseNextWouldWrapAroundIsRefused) {
  PoolState state = full_state();
  state.view.epoch.value = ~std::uint64_t{0};
  EXPECT_FALSE(decode_state(encode_state(state)).has_value());
}
TEST(StateCodec, TimesBeyondReasonAreRefused) {
  const std::string good = encode_state(full_state());
  for (const char* field : {"\"clock_us\":77", "\"last_time_us\":-5000000", "\"barrier_until_us\":4000000",
                            "\"lease_until_us\":5000000"}) {
    std::string bad = good;
    const std::size_t at = bad.find(field);
    ASSERT_NE(at, std::string::npos) << field;
    const std::string_view name = std::string_view(field).substr(0, std::string_view(field).find(':') + 1);
    bad.replace(at, std::string_view(field).size(), std::string(name) + "9223372036854775807");
    EXPECT_FALSE(decode_state(bad).has_value()) << field;
  }
}

TEST(StateCodec, DeepNestingIsRefusedWithoutHarm) {
  EXPECT_FALSE(decode_state(std::string(200'000, '[')).has_value());
  EXPECT_FALSE(decode_state(std::string(100'000, '[') + std::string(100'000, ']')).has_value());
}

TEST(StateCodec, BytesThatAreNoUtf8AreReplacedNotThrownOver) {
  const std::string text = encode_node({.id = NodeId("i"), .name = NodeName("n"), .zone = "\xff"});
  EXPECT_TRUE(decode_node(text).has_value());
}

}  // namespace
}  // namespace nodepool
