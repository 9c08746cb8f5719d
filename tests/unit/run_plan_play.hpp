#pragma once

#include <gtest/gtest.h>

#include "cli/parts/run_plan.hpp"

/// What the tests of a run's plan have in common.
namespace nodepool::test::run_plan {

using namespace std::chrono_literals;
using namespace nodepool::cli;
using Act = RunStep::Act;

inline MonotonicTime ms(std::int64_t time) {
  return MonotonicTime(std::chrono::milliseconds(time));
}

/// Lease grace 500 ms, stop grace 3 s, restarts after 1 to 8 s; the slack before a lease's end is 100 ms.
inline RunRules rules() {
  return {.lease_grace = 500ms,
          .stop_grace = 3s,
          .timeout = 0ms,
          .wait = {},
          .restart = RestartRule::always,
          .restart_delay = 1s,
          .restart_delay_most = 8s};
}

/// What a plan does after all is over. A claim whose lease was not renewed is kept to its end.
inline RunStep after_gone(RunPlan& plan, std::int64_t now) {
  plan.on_gone(ms(now), 1.0);
  if (plan.next(ms(now)).act == Act::rest) plan.on_lease(MonotonicTime::min());
  EXPECT_EQ(plan.next(ms(now)).act, Act::release);
  plan.on_released();
  return plan.next(ms(now));
}

}  // namespace nodepool::test::run_plan
