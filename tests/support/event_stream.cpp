#include "support/event_stream.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "cli/parts/clock_text.hpp"
#include "cli/parts/duration.hpp"

namespace nodepool::test {
namespace {

using namespace nodepool::cli;
using std::chrono::milliseconds;

std::vector<std::string> job_names(unsigned count) {
  std::vector<std::string> names;
  for (unsigned number = 0; number < count; ++number) names.push_back(fmt::format("job{}", number));
  return names;
}

}  // namespace

PoolScene::PoolScene(Settings settings)
    : settings_(std::move(settings)),
      fleet_({NODEPOOL_COMMAND,
              settings_.store,
              settings_.service,
              job_names(settings_.jobs),
              {"--heartbeat", format_duration(settings_.heartbeat), "--lease",
               format_duration(settings_.lease)}}) {}

void PoolScene::launch(const std::string& name, const std::vector<std::string>& more_arguments) {
  const auto launched = fleet_.launch(name, more_arguments);
  ASSERT_TRUE(launched) << launched.error().message;
}

bool PoolScene::step(const std::string& name, const std::function<void()>& cause, milliseconds at_most) {
  const Epoch before = newest_epoch();
  Happening happening{name, std::chrono::system_clock::now(), {}, {}};
  cause();
  const bool calm = wait_for(
      fmt::format("a newer view and calm after \"{}\"", name),
      [&] { return newest_epoch() > before && fleet_.calm(); }, at_most);
  happening.until = std::chrono::system_clock::now();
  happening.alive = fleet_.alive();
  if (!calm) return false;
  happenings_.push_back(happening);
  linger();
  return true;
}

bool PoolScene::wait_for(const std::string& what, const std::function<bool()>& condition,
                         milliseconds at_most) {
  if (fleet_.pump_until(condition, at_most)) return true;
  ADD_FAILURE() << "waited " << at_most.count() << " ms in vain for " << what << "\n" << what_they_said();
  return false;
}

/// Not to wait for anything, but to watch: trouble that comes right after a calm instant belongs to this step
/// too.
void PoolScene::linger() {
  constexpr milliseconds kWatched{200};
  [[maybe_unused]] const bool never = fleet_.pump_until([] { return false; }, kWatched);
}

Epoch PoolScene::newest_epoch() const {
  Epoch newest;
  for (const NodeRecord& record : fleet_.records()) {
    newest = std::max(newest, now_of(record, std::chrono::system_clock::now()).epoch);
  }
  return newest;
}

std::string PoolScene::what_they_said() {
  std::string text = board_text(fleet_.nodes(), fleet_.records());
  for (const Fleet::Node& node : fleet_.nodes())
    text += fmt::format("--- {}\n{}", node.name, node.process.errors());
  return text;
}

DemoResult PoolScene::judge() {
  for (Fleet::Node& node : fleet_.nodes()) {
    if (node.frozen) fleet_.thaw(node.name);
    fleet_.ask_to_leave(node.name);
  }
  wait_for("the end of all nodes", [&] {
    return std::all_of(fleet_.nodes().begin(), fleet_.nodes().end(),
                       [](Fleet::Node& node) { return node.process.exit_code().has_value(); });
  });
  fleet_.pump(milliseconds(0));
  EXPECT_EQ(fleet_.trouble(), "");
  for (std::size_t index = 0; index < fleet_.nodes().size(); ++index) {
    Fleet::Node& node = fleet_.nodes()[index];
    if (fleet_.records()[index].killed_at) continue;
    EXPECT_EQ(node.process.exit_code(), 0) << node.name << ": " << node.process.errors();
  }
  DemoResult result = measure(happenings_, fleet_.records(), std::chrono::system_clock::now());
  std::cout << summary_text(result);
  EXPECT_TRUE(result.overlaps.empty()) << summary_text(result) << what_they_said();
  for (const HappeningReport& report : result.reports) {
    EXPECT_TRUE(report.unowned.empty())
        << report.name << ": nobody runs " << fmt::format("{}", fmt::join(report.unowned, " "));
    if (settings_.unmoved_jobs_never_pause) {
      EXPECT_EQ(spread_of(report.unmoved).max.count(), 0) << report.name << "\n" << what_they_said();
    }
  }
  return result;
}

HappeningReport report_named(const DemoResult& result, const std::string& name) {
  for (const HappeningReport& report : result.reports) {
    if (report.name == name) return report;
  }
  ADD_FAILURE() << "there is no step \"" << name << "\"";
  return {};
}

double longest_move_ms(const HappeningReport& report) {
  return milliseconds_of(spread_of(report.moved).max);
}

}  // namespace nodepool::test
