#include <gtest/gtest.h>

#include "nodepool/schedule.hpp"

namespace nodepool::cron {
namespace {

using std::chrono::seconds;

TEST(CustomSchedule, AsksItsRuleAndBelievesNoInstantThatIsNotLater) {
  const auto at = [](int second) { return WallTime(seconds(second)); };
  const auto powers = Schedule::custom("powers of two", [&](WallTime after) -> std::optional<WallTime> {
    WallTime next = at(1);
    while (next <= after) next = WallTime(2 * next.time_since_epoch());
    return next;
  });
  EXPECT_EQ(powers.next(at(0)), at(1));
  EXPECT_EQ(powers.next(at(5)), at(8));
  EXPECT_EQ(powers.expression(), "powers of two");
  EXPECT_EQ(powers.describe(), "powers of two");
  const auto stuck = Schedule::custom("stuck", [&](WallTime) { return std::optional(at(5)); });
  EXPECT_EQ(stuck.next(at(4)), at(5));
  EXPECT_EQ(stuck.next(at(5)), std::nullopt);
  EXPECT_EQ(Schedule::custom("none", {}).next(at(0)), std::nullopt);
}

}  // namespace
}  // namespace nodepool::cron
