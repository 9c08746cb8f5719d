#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

#include "cli/parts/run_plan.hpp"

namespace nodepool::test {

inline MonotonicTime ms(std::int64_t time) {
  return MonotonicTime(std::chrono::milliseconds(time));
}

/// Lease grace 500 ms, stop grace 3 s, restarts after 1 to 8 s; the slack before a lease's end is 100 ms.
inline cli::RunRules rules() {
  using namespace std::chrono_literals;
  return {.lease_grace = 500ms,
          .stop_grace = 3s,
          .timeout = 0ms,
          .wait = {},
          .restart = cli::RestartRule::always,
          .restart_delay = 1s,
          .restart_delay_most = 8s};
}

/// A plan whose command runs since 1000 under a claim that lasts until `valid_until`.
inline cli::RunPlan running(const cli::RunRules& given, std::int64_t valid_until = 4000) {
  cli::RunPlan plan(given);
  plan.on_joined(ms(0));
  plan.on_claimed(ms(valid_until));
  EXPECT_EQ(plan.next(ms(1000)).act, cli::RunStep::Act::start);
  plan.on_start(ms(1000));
  return plan;
}

inline cli::StopOrder order(std::int64_t term, std::int64_t kill) {
  return {ms(term), ms(kill)};
}

/// What a plan does after all is over. A claim whose lease was not renewed is kept to its end.
inline cli::RunStep after_gone(cli::RunPlan& plan, std::int64_t now) {
  plan.on_gone(ms(now), 1.0);
  if (plan.next(ms(now)).act == cli::RunStep::Act::rest) plan.on_lease(MonotonicTime::min());
  EXPECT_EQ(plan.next(ms(now)).act, cli::RunStep::Act::release);
  plan.on_released();
  return plan.next(ms(now));
}

}  // namespace nodepool::test
