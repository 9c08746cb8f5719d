#include <gtest/gtest.h>

#include "nodepool/driver.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;

TEST(PoolConfig, ItsTextIsTheDocumentedOne) {
  EXPECT_EQ(to_string(PoolConfig{}), "protocol=1 hash=xxh64-ring points=50 heartbeat_ms=1000 lease_ms=4000");
}

TEST(PoolConfig, TheTextReadsBack) {
  const PoolConfig config{.points = 7, .heartbeat = 33ms, .lease = 123'456ms};
  EXPECT_EQ(parse_pool_config(to_string(config)).value(), config);
}

TEST(PoolConfig, AnythingElseIsRefusedAsCorrupt) {
  const std::string good = to_string(PoolConfig{});
  for (const std::string& bad : {
           std::string(),
           good + " ",
           good + " x=1",
           good.substr(1),
           good.substr(0, good.size() - 5),
           std::string("protocol=x hash=h points=50 heartbeat_ms=1000 lease_ms=4000"),
           std::string("protocol=1 hash=h points=-1 heartbeat_ms=1000 lease_ms=4000"),
           std::string("protocol=1 hash=h points=99999999999 heartbeat_ms=1000 lease_ms=4000"),
           std::string("protocol=1  hash=h points=50 heartbeat_ms=1000 lease_ms=4000"),
       }) {
    const auto parsed = parse_pool_config(bad);
    ASSERT_FALSE(parsed.has_value()) << bad;
    EXPECT_EQ(parsed.error().code, ErrorCode::store_corrupt);
  }
}

/// A negative heartbeat would turn the clock's cap around, a huge one overflows it.
TEST(PoolConfig, TimesNoPoolCanHaveAreRefusedAsCorrupt) {
  for (const char* times :
       {"heartbeat_ms=-5 lease_ms=4000", "heartbeat_ms=0 lease_ms=4000", "heartbeat_ms=1000 lease_ms=0",
        "heartbeat_ms=1000 lease_ms=-4000", "heartbeat_ms=9223372036854775807 lease_ms=4000",
        "heartbeat_ms=1000 lease_ms=9223372036854775807"}) {
    EXPECT_FALSE(parse_pool_config(std::string("protocol=1 hash=h points=50 ") + times).has_value()) << times;
  }
}

TEST(PoolConfig, TheClocksCapIsOneAndAQuarterHeartbeats) {
  EXPECT_EQ(clock_step_cap(PoolConfig{}), 1250ms);
  EXPECT_EQ(clock_step_cap(PoolConfig{.heartbeat = 10ms}), 12'500us);
}

}  // namespace
}  // namespace nodepool
