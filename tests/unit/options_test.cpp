#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "nodepool/pool.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;

std::string fault(const std::function<void(PoolOptions&)>& change) {
  PoolOptions options;
  change(options);
  const auto checked = validate(options);
  if (checked) return "";
  EXPECT_EQ(checked.error().code, ErrorCode::invalid_argument);
  return checked.error().message;
}

TEST(PoolOptions, TheDefaultsAreGood) {
  EXPECT_EQ(fault([](PoolOptions&) {}), "");
}

TEST(PoolOptions, TheLimitsThemselvesAreGood) {
  EXPECT_EQ(fault([](PoolOptions& o) {
              o.heartbeat = 10ms;
              o.lease = 30ms;
              o.points = 1;
              o.weight = 100;
              o.drain_grace = 0ms;
              o.store_timeout = 30ms;
              o.max_clock_drift = 0.1;
              o.name = std::string(200, 'n');
              o.zone = std::string(200, 'z');
            }),
            "");
  EXPECT_EQ(fault([](PoolOptions& o) {
              o.heartbeat = 1h;
              o.lease = 24h;
              o.points = 10'000;
              o.placement = PlacementKind::rendezvous_fine;
              o.drain_grace = 24h;
              o.store_timeout = 10ms;
              o.max_clock_drift = 0;
            }),
            "");
}

struct Bad {
  const char* what;
  std::function<void(PoolOptions&)> change;
};

class PoolOptionsFault : public testing::TestWithParam<Bad> {};

TEST_P(PoolOptionsFault, IsNamed) {
  EXPECT_NE(fault(GetParam().change).find(GetParam().what), std::string::npos) << fault(GetParam().change);
}

INSTANTIATE_TEST_SUITE_P(
    Each, PoolOptionsFault,
    testing::Values(
        Bad{"heartbeat is 9 ms", [](PoolOptions& o) { o.heartbeat = 9ms; }},
        Bad{"heartbeat is", [](PoolOptions& o) { o.heartbeat = 1h + 1ms; }},
        Bad{"heartbeat is", [](PoolOptions& o) { o.heartbeat = std::chrono::milliseconds::max(); }},
        Bad{"heartbeat is", [](PoolOptions& o) { o.heartbeat = std::chrono::milliseconds::min(); }},
        Bad{"lease is 2999 ms", [](PoolOptions& o) { o.lease = 2999ms; }},
        Bad{"lease is", [](PoolOptions& o) { o.lease = 24h + 1ms; }},
        Bad{"points is 0", [](PoolOptions& o) { o.points = 0; }},
        Bad{"points is", [](PoolOptions& o) { o.points = 10'001; }},
        Bad{"placement", [](PoolOptions& o) { o.placement = static_cast<PlacementKind>(3); }},
        Bad{"weight is 0", [](PoolOptions& o) { o.weight = 0; }},
        Bad{"weight is", [](PoolOptions& o) { o.weight = 101; }},
        Bad{"node name", [](PoolOptions& o) { o.name = "a b"; }},
        Bad{"zone", [](PoolOptions& o) { o.zone = "\n"; }},
        Bad{"zone", [](PoolOptions& o) { o.zone = std::string(201, 'z'); }},
        Bad{"address", [](PoolOptions& o) { o.address = "\xff"; }},
        Bad{"metadata",
            [](PoolOptions& o) {
              o.metadata = {{"", "v"}};
            }},
        Bad{"metadata",
            [](PoolOptions& o) {
              o.metadata = {{"k", std::string(2048, 'v')}};
            }},
        Bad{"drain_grace", [](PoolOptions& o) { o.drain_grace = -1ms; }},
        Bad{"store_timeout", [](PoolOptions& o) { o.store_timeout = 9ms; }},
        Bad{"store_timeout", [](PoolOptions& o) { o.store_timeout = o.lease + 1ms; }},
        Bad{"max_clock_drift", [](PoolOptions& o) { o.max_clock_drift = 0.11; }},
        Bad{"max_clock_drift", [](PoolOptions& o) { o.max_clock_drift = -0.01; }},
        Bad{"max_clock_drift",
            [](PoolOptions& o) { o.max_clock_drift = std::numeric_limits<double>::quiet_NaN(); }}));

TEST(PoolOptions, ThirtyThreeEntriesOfMetadataAreTooMany) {
  const std::string message = fault([](PoolOptions& o) {
    for (int i = 0; i < 33; ++i) o.metadata[std::to_string(i)] = "";
  });
  EXPECT_NE(message.find("metadata has 33 entries"), std::string::npos) << message;
}

TEST(PoolOptions, AllFaultsAreToldAtOnce) {
  const std::string message = fault([](PoolOptions& o) {
    o.heartbeat = 1ms;
    o.points = 0;
    o.weight = 0;
    o.name = "a b";
    o.zone = "\n";
    o.drain_grace = -1ms;
    o.max_clock_drift = 2;
  });
  for (const char* what :
       {"heartbeat", "points", "weight", "node name", "zone", "drain_grace", "max_clock_drift"}) {
    EXPECT_NE(message.find(what), std::string::npos) << what << ": " << message;
  }
}

}  // namespace
}  // namespace nodepool
