#include "cli/demo_play.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/command.hpp"
#include "cli/parts/clock_text.hpp"

namespace nodepool::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLease{4000};
/// A crash takes a lease, a start behind the barrier too; a slow machine may take its time.
constexpr milliseconds kPatience{4 * kLease};
/// Calm is watched for a while before the next thing happens, so that what belongs to which can be told
/// apart.
constexpr milliseconds kCalmTime{400};
constexpr milliseconds kLook{10};
constexpr milliseconds kBarrierNoticed{500};

std::vector<std::string> job_names(unsigned count) {
  std::vector<std::string> names;
  for (unsigned number = 0; number < count; ++number) names.push_back(fmt::format("job{}", number));
  return names;
}

std::string node_name(unsigned number) {
  return fmt::format("node{}", number);
}

Fleet::Options fleet_options(const DemoSettings& settings) {
  return {"/proc/self/exe",
          settings.store,
          settings.service,
          job_names(settings.jobs),
          {"--heartbeat", "1s", "--lease", "4s"}};
}

}  // namespace

DemoPlay::DemoPlay(const DemoSettings& settings, SignalWatch& signals, std::unique_ptr<Session> observer)
    : settings_(settings),
      signals_(signals),
      observer_(std::move(observer)),
      fleet_(fleet_options(settings)) {}

int DemoPlay::run() {
  stage_.say(fmt::format("{} nodes (processes) will share {} jobs; heartbeat 1 s, lease 4 s.",
                         settings_.nodes, settings_.jobs));
  if (!play()) return failed();
  stage_.say("All nodes are asked to leave.");
  for (const std::string& name : fleet_.alive()) fleet_.ask_to_leave(name);
  const bool all_left = fleet_.pump_until(
      [&] {
        return interrupted() ||
               std::all_of(fleet_.nodes().begin(), fleet_.nodes().end(),
                           [](Fleet::Node& node) { return node.process.exit_code().has_value(); });
      },
      kPatience);
  fleet_.pump(milliseconds(0));  // What they wrote last.
  if (!all_left) trouble_ = "a node did not leave when it was asked to";
  if (!all_left || interrupted()) return failed();
  stage_.clear();
  const DemoResult result = measure(happenings_, fleet_.records(), std::chrono::system_clock::now());
  stage_.tell('\n' + summary_text(result));
  return result.overlaps.empty() ? kDone : kFailed;
}

bool DemoPlay::play() {
  const std::string leaver = node_name(1);
  const std::string crasher = node_name(2);
  const std::string sleeper = node_name(3);
  const unsigned newcomer = settings_.nodes + 1;
  return step(fmt::format("{} nodes join", settings_.nodes),
              [&] {
                for (unsigned number = 1; number <= settings_.nodes; ++number) launch(number);
              }) &&
         step(fmt::format("{} joins", node_name(newcomer)), [&] { launch(newcomer); }) &&
         step(fmt::format("{} leaves (SIGTERM)", leaver), [&] { fleet_.ask_to_leave(leaver); }) &&
         step(fmt::format("{} crashes (SIGKILL)", crasher), [&] { fleet_.crash(crasher); }) &&
         step(fmt::format("{} freezes (SIGSTOP)", sleeper), [&] { fleet_.freeze(sleeper); }) &&
         step(fmt::format("{} wakes (SIGCONT)", sleeper), [&] { fleet_.thaw(sleeper); });
}

bool DemoPlay::step(const std::string& name, const std::function<void()>& cause) {
  stage_.say(name + " ...");
  Happening happening{name, std::chrono::system_clock::now(), {}, {}};
  cause();
  const bool calm = wait_for_calm();
  happening.until = std::chrono::system_clock::now();
  happening.alive = fleet_.alive();
  if (!calm) {
    if (trouble_.empty())
      trouble_ = fmt::format("the pool did not become calm within {} s after \"{}\"",
                             kPatience.count() / 1000, name);
    return false;
  }
  happenings_.push_back(happening);
  stage_.say(result_line(happening));
  linger();
  return !interrupted();
}

bool DemoPlay::wait_for_calm() {
  const auto begin = steady_clock::now();
  while (!fleet_.calm()) {
    if (interrupted() || steady_clock::now() >= begin + kPatience) return false;
    if (!barrier_explained_ && steady_clock::now() >= begin + kBarrierNoticed) explain_barrier();
    watch();
    if (!fleet_.trouble().empty()) trouble_ = fleet_.trouble();
    if (!trouble_.empty()) return false;
  }
  return true;
}

void DemoPlay::explain_barrier() {
  barrier_explained_ = true;
  const auto status = observer_->status(patience());
  if (!status || status->barrier_left.count() <= 0) return;
  stage_.say("A fresh pool on this store waits one lease (4 s): nodes from before could still hold theirs.");
}

void DemoPlay::linger() {
  const auto end = steady_clock::now() + kCalmTime;
  while (steady_clock::now() < end && !interrupted()) watch();
}

void DemoPlay::watch() {
  fleet_.pump(kLook);
  if (stage_.wants_table()) stage_.draw(board_text(fleet_.nodes(), fleet_.records()));
}

void DemoPlay::launch(unsigned number) {
  const auto launched = fleet_.launch(node_name(number));
  if (!launched && trouble_.empty()) trouble_ = launched.error().message;
}

bool DemoPlay::interrupted() const {
  return signals_.stop_token().stop_requested() || !stage_.has_reader();
}

int DemoPlay::failed() {
  stage_.clear();
  if (interrupted()) return kFailed;  // The nodes are ended by the fleet's destructor.
  for (Fleet::Node& node : fleet_.nodes()) {
    if (!node.process.errors().empty()) fmt::print(stderr, "{} says: {}", node.name, node.process.errors());
  }
  complain(trouble_);
  return kFailed;
}

std::string DemoPlay::result_line(const Happening& happening) const {
  const auto intervals = intervals_of(fleet_.records(), happening.until);
  const HappeningReport report = report_of(happening, fleet_.records(), intervals);
  std::string line = "... calm: ";
  for (const std::string& name : happening.alive) {
    const NodeRecord* record = fleet_.record(name);
    if (record != nullptr)
      line += fmt::format("{} runs {}, ", name, now_of(*record, happening.until).jobs.size());
  }
  return line + fmt::format("all steady after {:.1f} ms",
                            milliseconds_of(report.steady_after.value_or(std::chrono::nanoseconds(0))));
}

}  // namespace nodepool::cli
