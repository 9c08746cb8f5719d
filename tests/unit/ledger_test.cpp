// What a ledger's versions are, whatever the clock says.

#include <gtest/gtest.h>

#include <chrono>

#include "core/ledger_rules.hpp"
#include "nodepool/memory.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;

TEST(LedgerVersion, IsTheCivilTimeUnlessThatIsNotGreaterThanTheLast) {
  const WallTime now{7s};
  EXPECT_EQ(next_version(0, now), 7'000'000U);
  EXPECT_EQ(next_version(6'999'999, now), 7'000'000U);
  EXPECT_EQ(next_version(7'000'000, now), 7'000'001U);
  EXPECT_EQ(next_version(9'000'000, now), 9'000'001U);
  EXPECT_EQ(next_version(0, WallTime{-7s}), 1U);
}

TEST(MemoryLedger, GivesNoVersionTwiceHoweverFastItIs) {
  const auto ledger = open_memory()->open_ledger(ServiceName("service"));
  std::uint64_t last = 0;
  bool grows = true;
  for (int round = 0; round < 5000; ++round) {
    const std::uint64_t version =
        ledger->write({.job = "a", .expected = 0, .value = {}}, {}).value().record.version;
    grows = grows && version > last && ledger->erase("a", version, {}).value();
    last = version;
  }
  EXPECT_TRUE(grows);
}

/// A driver of somebody else's that knows no ledger.
class PlainDriver final : public Driver {
 public:
  std::string describe() const override { return "plain"; }
  Capabilities capabilities() const noexcept override { return {}; }
  std::unique_ptr<Session> open(const ServiceName& /*service*/) override { return nullptr; }
};

TEST(DriverWithoutALedger, SaysSo) {
  EXPECT_EQ(PlainDriver().open_ledger(ServiceName("service")), nullptr);
}

}  // namespace
}  // namespace nodepool
