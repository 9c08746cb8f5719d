#include <gtest/gtest.h>

#include "cli/parts/execution.hpp"
#include "cli/parts/run_log.hpp"
#include "cli/parts/run_plan.hpp"
#include "support/run_plan_dialogue.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;
using namespace nodepool::cli;
using namespace nodepool::test;
using Act = RunStep::Act;

TEST(CliRunPlan, TermAndKillComeBeforeTheLeaseEndsAndMoveOnWithIt) {
  RunPlan plan = running(rules());
  EXPECT_EQ(plan.next(ms(1000)).order, order(3400, 3900));
  EXPECT_EQ(plan.next(ms(1000)).look_at, ms(3400));
  plan.on_lease(ms(6000));
  EXPECT_EQ(plan.next(ms(3399)).order, order(5400, 5900));
  EXPECT_EQ(plan.reason(), StopReason::none);
}

TEST(CliRunPlan, ARenewalThatComesAfterTermTakesNothingBack) {
  RunPlan plan = running(rules());
  EXPECT_EQ(plan.next(ms(1000)).order, order(3400, 3900));
  // This process slept over TERM, which the guardian has sent, and the lease is renewed at last.
  plan.on_lease(ms(9000));
  EXPECT_EQ(plan.next(ms(3700)).order, order(3400, 3900));
  EXPECT_EQ(plan.reason(), StopReason::lease_lost);
}

TEST(CliRunPlan, AClaimWhoseLeaseWasRenewedAfterAllIsUsedAgain) {
  RunPlan plan = running(rules());
  EXPECT_EQ(plan.next(ms(3400)).order, order(3400, 3900));
  plan.on_ended(143, ms(3410));
  plan.on_lease(ms(9000));
  plan.on_gone(ms(3420), 1.0);
  EXPECT_EQ(plan.next(ms(3420)).act, Act::start);
  EXPECT_EQ(plan.next(ms(3420)).order, order(8400, 8900));
  EXPECT_EQ(plan.reason(), StopReason::none);
}

TEST(CliRunPlan, WhatIsOverdueIsLookedAtAgainAndAgain) {
  RunPlan plan = running(rules());
  EXPECT_EQ(plan.next(ms(3400)).look_at, ms(3900));
  EXPECT_EQ(plan.next(ms(3900)).look_at, ms(3910));
}

TEST(CliRunPlan, ACommandIsNotStartedUnderALeaseThatEndsSoon) {
  RunPlan plan(rules());
  plan.on_joined(ms(0));
  plan.on_claimed(ms(1600));
  EXPECT_EQ(plan.next(ms(999)).act, Act::start);
  EXPECT_EQ(plan.next(ms(1000)).act, Act::rest) << "TERM would be due at once";
  EXPECT_EQ(plan.next(ms(1000)).look_at, ms(1600));
  plan.on_lease(ms(1601));
  EXPECT_EQ(plan.next(ms(1000)).act, Act::start);
  plan.on_lease(MonotonicTime::min());
  EXPECT_EQ(plan.next(ms(1001)).act, Act::release) << "the claim was revoked";
}

TEST(CliRunPlan, ARevokedClaimIsKilledForAtOnce) {
  RunPlan plan = running(rules());
  plan.on_lease(MonotonicTime::min());
  EXPECT_LE(plan.next(ms(1500)).order.kill_at, ms(1500));
}

struct StopCase {
  const char* name;
  void (*cause)(RunPlan& plan);
  StopReason reason;
  StopOrder order;  ///< At 2000, of a run since 1000 whose lease ends at 9000.
};

TEST(CliRunPlan, EachReasonToStopHasItsGraceAndTheLeaseBoundsThemAll) {
  const StopCase cases[]{
      {"nothing", [](RunPlan&) {}, StopReason::none, order(8400, 8900)},
      {"moved", [](RunPlan& plan) { plan.on_hand_over(ms(1900)); }, StopReason::moved, order(1900, 4900)},
      {"leaving", [](RunPlan& plan) { plan.on_leave(15, ms(1900)); }, StopReason::leaving, order(8400, 4900)},
      {"left behind", [](RunPlan& plan) { plan.on_ended(0, ms(1900)); }, StopReason::left_behind,
       order(1900, 4900)},
      {"moved, then leaving",
       [](RunPlan& plan) {
         plan.on_hand_over(ms(1800));
         EXPECT_EQ(plan.next(ms(1800)).order, order(1800, 4800));
         plan.on_leave(15, ms(1900));
       },
       StopReason::moved, order(1800, 4800)},
      {"moved while the lease ends",
       [](RunPlan& plan) {
         plan.on_hand_over(ms(1900));
         plan.on_lease(ms(2550));
       },
       StopReason::moved, order(1900, 2450)},
  };
  for (const StopCase& each : cases) {
    RunPlan plan = running(rules(), 9000);
    each.cause(plan);
    EXPECT_EQ(plan.next(ms(2000)).order, each.order) << each.name;
    EXPECT_EQ(plan.reason(), each.reason) << each.name;
  }
}

TEST(CliRunPlan, AStopThatWasPlannedIsNotCutShortByALeaseThatIsRenewed) {
  RunPlan plan = running(rules(), 3000);
  plan.on_hand_over(ms(1900));
  EXPECT_EQ(plan.next(ms(1900)).order, order(1900, 2900));
  plan.on_lease(ms(9000));
  EXPECT_EQ(plan.next(ms(2000)).order, order(1900, 4900));
}

TEST(CliRunPlan, ATimeoutStopsTheCommandAndIsAFailure) {
  RunRules timed = rules();
  timed.timeout = 2s;
  timed.restart = RestartRule::on_failure;
  RunPlan plan = running(timed, 9000);
  EXPECT_EQ(plan.next(ms(1000)).order, order(3000, 6000));
  EXPECT_EQ(plan.next(ms(3000)).order, order(3000, 6000));
  EXPECT_EQ(plan.reason(), StopReason::timed_out);
  plan.on_ended(0, ms(3100));
  EXPECT_EQ(after_gone(plan, 3100).act, Act::rest) << "though it has ended with 0";
  timed.restart = RestartRule::never;
  plan = running(timed, 9000);
  plan.on_ended(143, ms(3100));
  EXPECT_EQ(after_gone(plan, 3100).code, kTimedOut);
}

struct EndCase {
  RestartRule rule;
  void (*end)(RunPlan& plan);  ///< At 2000, of a run since 1000 whose lease ends at 9000.
  Act act;
  int code;
};

void ends_with_0(RunPlan& plan) {
  plan.on_ended(0, ms(2000));
}
void ends_with_7(RunPlan& plan) {
  plan.on_ended(7, ms(2000));
}
void moves(RunPlan& plan) {
  plan.on_hand_over(ms(1900));
  plan.on_ended(143, ms(2000));
}
void loses_lease(RunPlan& plan) {
  plan.on_lease(ms(2300));
  static_cast<void>(plan.next(ms(1600)));
  plan.on_ended(143, ms(2000));
}
void leaves(RunPlan& plan) {
  plan.on_leave(15, ms(1900));
  plan.on_ended(143, ms(2000));
}

TEST(CliRunPlan, WhatComesAfterTheEndIsTheRulesMatter) {
  const EndCase cases[]{
      {RestartRule::always, ends_with_0, Act::rest, 0},
      {RestartRule::always, ends_with_7, Act::rest, 0},
      {RestartRule::always, moves, Act::claim, 0},
      {RestartRule::always, loses_lease, Act::claim, 0},
      {RestartRule::always, leaves, Act::leave, 143},
      {RestartRule::on_failure, ends_with_0, Act::leave, 0},
      {RestartRule::on_failure, ends_with_7, Act::rest, 0},
      {RestartRule::on_failure, moves, Act::claim, 0},
      {RestartRule::on_failure, loses_lease, Act::claim, 0},
      {RestartRule::never, ends_with_0, Act::leave, 0},
      {RestartRule::never, ends_with_7, Act::leave, 7},
      {RestartRule::never, moves, Act::leave, kNotOwner},
      {RestartRule::never, loses_lease, Act::leave, kLeaseLost},
      {RestartRule::never, leaves, Act::leave, 143},
  };
  for (const EndCase& each : cases) {
    RunRules given = rules();
    given.restart = each.rule;
    RunPlan plan = running(given, 9000);
    each.end(plan);
    EXPECT_EQ(plan.next(ms(2000)).act, Act::guard) << "something of it may still run";
    const RunStep step = after_gone(plan, 2100);
    const auto index = &each - cases;
    EXPECT_EQ(step.act, each.act) << index;
    EXPECT_EQ(step.code, each.code) << index;
  }
}

TEST(CliRunPlan, RestartsBackOffUntilARunHasLasted) {
  RunPlan plan(rules());
  plan.on_joined(ms(0));
  std::int64_t now = 0;
  const auto run_for = [&](std::int64_t length, double random) {
    plan.on_claimed(ms(now + length + 9000));
    EXPECT_EQ(plan.next(ms(now)).act, Act::start);
    plan.on_start(ms(now));
    now += length;
    plan.on_ended(1, ms(now));
    plan.on_gone(ms(now), random);
    EXPECT_EQ(plan.next(ms(now)).act, Act::release);
    plan.on_released();
    const RunStep step = plan.next(ms(now));
    EXPECT_EQ(step.act, Act::rest);
    const std::int64_t delay = (step.look_at - ms(now)) / 1ms;
    now += delay;
    EXPECT_EQ(plan.next(ms(now)).act, Act::claim);
    return delay;
  };
  EXPECT_EQ(plan.attempt(), 1U);
  EXPECT_EQ(run_for(10, 1.0), 1000);
  EXPECT_EQ(plan.attempt(), 2U);
  EXPECT_EQ(run_for(10, 0.0), 1000) << "half of 2 s";
  EXPECT_EQ(run_for(10, 1.0), 4000);
  EXPECT_EQ(run_for(10, 1.0), 8000);
  EXPECT_EQ(run_for(10, 1.0), 8000) << "the longest";
  EXPECT_EQ(plan.attempt(), 6U);
  EXPECT_EQ(run_for(8000, 1.0), 1000) << "it has lasted";
  EXPECT_EQ(plan.attempt(), 2U);
}

TEST(CliRunPlan, WaitingEndsWithTheCodeThatSaysWhy) {
  RunRules given = rules();
  given.wait = 2s;
  RunPlan waiting(given);
  waiting.on_not_eligible(ms(50'000));
  EXPECT_EQ(waiting.next(ms(50'000)).act, Act::claim) << "before it has joined nothing is counted";
  waiting.on_joined(ms(50'000));
  waiting.on_not_eligible(ms(51'999));
  EXPECT_EQ(waiting.next(ms(51'999)).act, Act::claim);
  EXPECT_EQ(waiting.next(ms(51'999)).look_at, ms(52'000));
  waiting.on_not_eligible(ms(52'000));
  EXPECT_EQ(waiting.next(ms(52'000)).code, kNotOwner);

  RunPlan robbed = running(given, 2300);
  static_cast<void>(robbed.next(ms(1700)));
  robbed.on_ended(143, ms(1800));
  EXPECT_EQ(after_gone(robbed, 1800).act, Act::claim);
  robbed.on_not_eligible(ms(3800));
  EXPECT_EQ(robbed.next(ms(3800)).act, Act::leave);
  EXPECT_EQ(robbed.next(ms(3800)).code, kLeaseLost);
}

TEST(CliRunPlan, ASignalWhileNothingRunsIsTheExitCode) {
  RunPlan waiting(rules());
  waiting.on_leave(2, ms(10));
  EXPECT_EQ(waiting.next(ms(10)).act, Act::leave);
  EXPECT_EQ(waiting.next(ms(10)).code, kSignalled + 2);
  RunPlan claimed(rules());
  claimed.on_joined(ms(0));
  claimed.on_claimed(ms(9000));
  claimed.on_leave(15, ms(10));
  EXPECT_EQ(claimed.next(ms(10)).act, Act::release) << "it is not started any more";
}

TEST(CliRunPlan, AStartThatWasRefusedOrFailedRunsNothing) {
  RunPlan late = running(rules());
  late.on_start_refused();
  EXPECT_EQ(late.next(ms(3500)).act, Act::rest);
  late.on_lease(ms(9000));
  EXPECT_EQ(late.next(ms(3600)).act, Act::start);
  RunPlan failed = running(rules());
  failed.on_not_started(kNoSuchCommand);
  EXPECT_EQ(failed.next(ms(1001)).act, Act::release);
  failed.on_released();
  EXPECT_EQ(failed.next(ms(1001)).code, kNoSuchCommand);
}

TEST(CliRunPlan, AGraceThatDoesNotFitIsRefusedAndTheDefaultLeavesRoom) {
  PoolOptions options;  // A heartbeat of 1 s, a lease of 4 s: 4000 - 1250 - 40 - 1000 - 100 = 1610.
  EXPECT_EQ(lease_grace(options, std::nullopt), 805ms);
  EXPECT_EQ(lease_grace(options, 1609ms), 1609ms);
  EXPECT_EQ(lease_grace(options, 0ms), 0ms);
  const auto refused = lease_grace(options, 1610ms);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(refused.error().message.find("shorter than 1610ms"), std::string::npos)
      << refused.error().message;
  options.heartbeat = 10ms;
  options.lease = 123ms;  // 12.5 and 1.23, rounded up, 10 and 100.
  EXPECT_FALSE(lease_grace(options, std::nullopt));
  options.lease = 127ms;
  EXPECT_EQ(lease_grace(options, std::nullopt), 1ms);
  options.heartbeat = 1min;
  options.lease = 1h;
  EXPECT_EQ(lease_grace(options, std::nullopt), 10s);
}

TEST(CliRunLog, OneLineWhateverTheValuesAre) {
  const LogLine line{WallTime(1'700'000'000'012ms),
                     LogLevel::warning,
                     "ended",
                     {{"code", "7"}, {"message", "two\nlines \"quoted\""}, {"empty", ""}, {"bad", "\xff"}}};
  EXPECT_EQ(to_text(line, LogFormat::logfmt),
            "time=2023-11-14T22:13:20.012Z level=warning event=ended code=7 message=\"two\\nlines "
            "\\\"quoted\\\"\" empty=\"\" bad=\"\xEF\xBF\xBD\"");
  EXPECT_EQ(to_text(line, LogFormat::json),
            "{\"time\":\"2023-11-14T22:13:20.012Z\",\"level\":\"warning\",\"event\":\"ended\",\"code\":\"7\","
            "\"message\":\"two\\nlines \\\"quoted\\\"\",\"empty\":\"\",\"bad\":\"\xEF\xBF\xBD\"}");
}

}  // namespace
