// Steps of the server's civil clock, while it runs.

#include "fault/parts/cases.hpp"

namespace nodepool::fault {
namespace {

using namespace std::chrono_literals;

/// The clock steps; nobody is to notice. Then a crash is to be noticed as ever.
void step_and_crash(Trial& trial, std::chrono::microseconds by) {
  trial.begin(kThree);
  const auto step = [&] {
    trial.step_clock(by);
    trial.pass(700ms);
  };
  trial.step("the clock steps", step, {kThree, 300ms, false, {}});
  trial.step("d joins", [&] { trial.launch("d"); }, {{"a", "b", "c", "d"}, trial.after_return(), true, {}});
  trial.step("c crashes", [&] { trial.fleet().crash("c"); },
             {{"a", "b", "d"}, trial.after_silence(), true, {"c"}});
}

void forward(Trial& trial) {
  step_and_crash(trial, 1h);
}

void backward(Trial& trial) {
  step_and_crash(trial, -1h);
}

/// The tightest race there is: a node is cut off, and the step shortens its lease in the store.
void forward_while_cut(Trial& trial) {
  trial.begin(kThree);
  const auto cut = [&] {
    trial.gate("c").set({.requests_pass = false, .replies_pass = false});
    trial.step_clock(1h);
  };
  trial.step("c is cut off, the clock steps", cut, {{"a", "b"}, trial.after_silence(), true, {"c"}});
  trial.step("c's link is healed", [&] { trial.gate("c").set({}); },
             {kThree, trial.after_return(), true, {"c"}});
}

}  // namespace

std::vector<Case> clock_cases() {
  return {
      {"TheClockStepsForward", "server's clock 1 h forward; a join, a crash", forward},
      {"TheClockStepsBackward", "server's clock 1 h backward; a join, a crash", backward},
      {"TheClockStepsForwardWhileANodeIsCutOff", "one node cut off and the server's clock 1 h forward",
       forward_while_cut},
  };
}

}  // namespace nodepool::fault
