#include <gtest/gtest.h>

#include "cli/parts/execution.hpp"
#include "cli/parts/run_plan.hpp"
#include "support/run_plan_dialogue.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::cli;
using namespace nodepool::test;
using Act = RunStep::Act;

/// A plan of a job that is to succeed once, which runs since 1000 and was marked before.
RunPlan running_once(RestartRule restart = RestartRule::on_failure) {
  RunRules once = rules();
  once.once = true;
  once.restart = restart;
  RunPlan plan(once);
  plan.on_joined(ms(0));
  plan.on_claimed(ms(4000));
  EXPECT_EQ(plan.next(ms(1000)).act, Act::mark);
  plan.on_marked();
  EXPECT_EQ(plan.next(ms(1000)).act, Act::start);
  plan.on_start(ms(1000));
  return plan;
}

TEST(CliRunOnce, ASuccessIsWrittenDownBeforeTheClaimIsGivenBack) {
  RunPlan plan = running_once();
  plan.on_ended(0, ms(2000));
  plan.on_gone(ms(2010), 1.0);
  EXPECT_EQ(plan.next(ms(2010)).act, Act::record);
  plan.on_not_written(ms(2020));
  EXPECT_EQ(plan.next(ms(2030)).act, Act::rest);
  EXPECT_EQ(plan.next(plan.next(ms(2030)).look_at).act, Act::record);
  plan.on_succeeded();
  EXPECT_EQ(plan.next(ms(2500)).act, Act::release);
  plan.on_released();
  EXPECT_EQ(plan.next(ms(2500)).act, Act::leave);
  EXPECT_EQ(plan.next(ms(2500)).code, 0);
}

TEST(CliRunOnce, ASuccessThatCannotBeWrittenIsAFailureOfOurs) {
  RunPlan plan = running_once();
  plan.on_ended(0, ms(2000));
  plan.on_gone(ms(2010), 1.0);
  plan.on_not_written(ms(2020));
  EXPECT_EQ(plan.next(ms(4000)).act, Act::release);
  plan.on_released();
  EXPECT_EQ(plan.next(ms(4000)).code, 125);
  EXPECT_TRUE(plan.success_is_lost());
}

TEST(CliRunOnce, AFailureIsRepeatedUnderANewMark) {
  RunPlan plan = running_once();
  plan.on_ended(1, ms(2000));
  EXPECT_EQ(after_gone(plan, 2010).act, Act::rest);
  plan.on_claimed(ms(9000));
  EXPECT_EQ(plan.next(ms(5000)).act, Act::mark);
  RunPlan never = running_once(RestartRule::never);
  never.on_ended(3, ms(2000));
  EXPECT_EQ(after_gone(never, 2010).code, 3);
}

TEST(CliRunOnce, AMarkIsGoodForOneClaim) {
  RunRules once = rules();
  once.once = true;
  RunPlan plan(once);
  plan.on_joined(ms(0));
  plan.on_claimed(ms(4000));
  EXPECT_EQ(plan.next(ms(1000)).act, Act::mark);
  plan.on_marked();
  plan.on_hand_over(ms(1000));
  EXPECT_EQ(plan.next(ms(1000)).act, Act::release);
  plan.on_released();
  plan.on_claimed(ms(9000));
  EXPECT_EQ(plan.next(ms(5000)).act, Act::mark);
}

TEST(CliRunOnce, AnEndThatWasAskedForIsNoSuccess) {
  RunPlan plan = running_once();
  plan.on_leave(15, ms(1500));
  plan.on_ended(0, ms(2000));
  EXPECT_EQ(after_gone(plan, 2010).act, Act::leave);
  EXPECT_EQ(plan.next(ms(2010)).code, kSignalled + 15) << "0 says that it has succeeded";
  RunPlan moved = running_once();
  moved.on_hand_over(ms(1500));
  moved.on_told(ms(1500));
  moved.on_ended(0, ms(2000));
  EXPECT_NE(after_gone(moved, 2010).act, Act::record);
}

TEST(CliRunOnce, ASuccessElsewhereEndsTheWait) {
  RunRules once = rules();
  once.once = true;
  RunPlan plan(once);
  plan.on_joined(ms(0));
  EXPECT_TRUE(plan.is_idle());
  plan.on_succeeded();
  EXPECT_EQ(plan.next(ms(10)).act, Act::leave);
  EXPECT_EQ(plan.next(ms(10)).code, 0);
}

TEST(CliRunOnce, ADrainedNodeExitsWith0OnlyIfItHasSucceeded) {
  RunPlan drained = running_once();
  drained.on_hand_over(ms(1500));
  drained.on_pool_over(0);
  drained.on_told(ms(1500));
  drained.on_ended(143, ms(2000));
  EXPECT_EQ(after_gone(drained, 2010).code, kNotOwner);
  RunPlan good = running_once();
  good.on_pool_over(0);
  good.on_ended(0, ms(2000));
  good.on_gone(ms(2010), 1.0);
  EXPECT_EQ(good.next(ms(2010)).act, Act::record);
  good.on_succeeded();
  EXPECT_EQ(good.next(ms(2020)).act, Act::release);
  good.on_released();
  EXPECT_EQ(good.next(ms(2020)).code, 0);
}

TEST(CliRunOnce, ASuccessIsWrittenDownThoughTheJobMovesAndTheNodeIsToLeave) {
  RunPlan plan = running_once();
  plan.on_ended(0, ms(2000));
  plan.on_gone(ms(2010), 1.0);
  plan.on_not_written(ms(2020));
  plan.on_hand_over(ms(2030));
  plan.on_leave(15, ms(2030));
  EXPECT_EQ(plan.next(ms(2030)).act, Act::rest) << "the claim is kept";
  EXPECT_EQ(plan.next(ms(2220)).act, Act::record);
  plan.on_succeeded();
  EXPECT_EQ(plan.next(ms(2230)).act, Act::release);
  plan.on_released();
  EXPECT_EQ(plan.next(ms(2230)).code, 0);
}

}  // namespace
