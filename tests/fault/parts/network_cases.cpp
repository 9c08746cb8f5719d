// Faults of the network between the nodes and their server.

#include <fmt/format.h>

#include "fault/parts/cases.hpp"

namespace nodepool::fault {
namespace {

using namespace std::chrono_literals;
using Weather = test::TcpGate::Weather;

/// As slow as a link may be and still have three calls within a time-out of one heartbeat, here a second.
constexpr Trial::Settings kPatient{.heartbeat = 1000ms, .lease = 4000ms};

/// Node c's link is like this until the others run its jobs; then it is good again.
void isolate_c(Trial& trial, const Weather& weather) {
  trial.begin(kThree);
  trial.step("c's link fails", [&] { trial.gate("c").set(weather); },
             {{"a", "b"}, trial.after_silence(), true, {"c"}});
  trial.wait_for("c to fence itself", [&] { return trial.fenced({"c"}); });
  trial.step("c's link is healed", [&] { trial.gate("c").set({}); },
             {kThree, trial.after_return(), true, {"c"}});
}

void lose_requests(Trial& trial) {
  isolate_c(trial, {.requests_pass = false});
}

void lose_replies(Trial& trial) {
  isolate_c(trial, {.replies_pass = false});
}

void lose_both(Trial& trial) {
  isolate_c(trial, {.requests_pass = false, .replies_pass = false});
}

void refuse(Trial& trial) {
  trial.begin(kThree);
  const auto close = [&] {
    trial.gate("c").set({.accepts = false});
    trial.gate("c").reset_connections();
  };
  trial.step("c is refused", close, {{"a", "b"}, trial.after_silence(), true, {"c"}});
  trial.step("c is let in again", [&] { trial.gate("c").set({}); },
             {kThree, trial.after_return(), true, {"c"}});
}

void slower_than_the_time_out(Trial& trial) {
  isolate_c(trial, {.delay = 300ms});
}

void cut_all(Trial& trial) {
  trial.begin(kThree);
  const auto outage = [&] {
    trial.set_weather(kThree, {.requests_pass = false, .replies_pass = false});
    trial.wait_for("all to fence themselves", [&] { return trial.fenced(kThree); });
    trial.set_weather(kThree, {});
  };
  trial.step("nobody reaches the server", outage, {kThree, trial.after_return(), false, kThree});
}

/// A blink: too short for anybody to lose a lease, long enough for calls to time out and to arrive late.
void blink(Trial& trial) {
  trial.begin(kThree);
  const auto cut = [&] {
    trial.set_weather(kThree, {.requests_pass = false});
    trial.pass(400ms);
    trial.set_weather(kThree, {});
    trial.pass(400ms);
    trial.set_weather(kThree, {.replies_pass = false});
    trial.pass(400ms);
    trial.set_weather(kThree, {});
  };
  trial.step("short cuts", cut, {kThree, trial.after_return(), false, {}});
}

void reset_often(Trial& trial) {
  trial.begin(kThree);
  const auto resets = [&] {
    for (int count = 0; count < 8; ++count) {
      for (const std::string& node : kThree) trial.gate(node).reset_connections();
      trial.pass(150ms);
    }
  };
  trial.step("connections are reset", resets, {kThree, trial.after_return(), false, {}});
}

/// Membership changes while links are slow, on both sides of them.
void join_and_leave(Trial& trial, const Names& slow) {
  trial.begin(kThree);
  trial.set_weather(slow, {.delay = 300ms});
  trial.step("d joins", [&] { trial.launch("d"); }, {{"a", "b", "c", "d"}, trial.after_return(), true, {}});
  trial.step("a leaves", [&] { trial.fleet().ask_to_leave("a"); },
             {{"b", "c", "d"}, trial.after_return(), true, {}});
  trial.set_weather(slow, {});
}

void one_slow_link(Trial& trial) {
  join_and_leave(trial, {"c"});
}

void all_links_slow(Trial& trial) {
  join_and_leave(trial, kThree);
}

/// Connecting and the first calls are slow too.
void newcomer_on_a_slow_link(Trial& trial) {
  trial.begin({"a", "b"});
  const auto join = [&] {
    trial.make_gate("c").set({.delay = 300ms});
    trial.launch("c");
  };
  trial.step("c joins", join, {kThree, trial.after_return(), true, {}});
}

}  // namespace

std::vector<Case> network_cases() {
  return {
      {"RequestsOfOneNodeAreLost", "one node's requests are lost, then healed", lose_requests},
      {"RepliesToOneNodeAreLost", "the replies to one node are lost, then healed", lose_replies},
      {"OneNodeIsCutOff", "one node is cut off both ways, then healed", lose_both},
      {"OneNodeIsRefused", "one node's connections are reset and refused, then let in", refuse},
      {"OneLinkIsSlowerThanTheTimeOut", "one link is slower than a call may take, then healed",
       slower_than_the_time_out},
      {"AllNodesAreCutOff", "all nodes are cut off for longer than a lease", cut_all},
      {"AllNodesAreCutOffForABlink", "requests, then replies of all are lost for 400 ms", blink},
      {"ConnectionsAreReset", "all connections are reset eight times", reset_often},
      {"OneLinkIsSlow", "one link takes 300 ms each way; a join, a leave", one_slow_link, kPatient},
      {"AllLinksAreSlow", "all links take 300 ms each way; a join, a leave", all_links_slow, kPatient},
      {"ANewcomerHasASlowLink", "a node joins over a link of 300 ms each way", newcomer_on_a_slow_link,
       kPatient},
  };
}

}  // namespace nodepool::fault
