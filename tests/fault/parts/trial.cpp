#include "fault/parts/trial.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>

#include "cli/parts/clock_text.hpp"
#include "cli/parts/demo_report.hpp"
#include "cli/parts/duration.hpp"

namespace nodepool::fault {
namespace {

using namespace nodepool::cli;
using nodepool::test::TcpGate;
using std::chrono::system_clock;

constexpr milliseconds kSlack{1500};
/// Trouble that comes right after all seemed well belongs to the step.
constexpr milliseconds kWatched{300};
constexpr milliseconds kLongestBackOff{1000};

std::string clock_file(const test::TemporaryFolder& folder) {
  return folder.path() + "/clock";
}

/// Writes the step in place: the server has the file mapped.
void write_step(const std::string& path, std::chrono::microseconds by) {
  const std::int64_t step = by.count();
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const bool written = fd >= 0 && ::pwrite(fd, &step, sizeof(step), 0) == sizeof(step);
  if (fd >= 0) ::close(fd);
  if (!written) throw Trouble("cannot write " + path);
}

std::vector<std::string> environment(const test::TemporaryFolder& folder) {
  write_step(clock_file(folder), {});
  return {"LD_PRELOAD=" NODEPOOL_STEPPED_CLOCK_LIBRARY, "NODEPOOL_STEPPED_CLOCK=" + clock_file(folder)};
}

Fleet::Options fleet_options(const Trial::Settings& settings) {
  std::vector<std::string> jobs;
  for (unsigned number = 0; number < settings.jobs; ++number) jobs.push_back(fmt::format("job{}", number));
  return {NODEPOOL_COMMAND,
          "redis://127.0.0.1:1",
          "trial",
          std::move(jobs),
          {"--heartbeat", format_duration(settings.heartbeat), "--lease", format_duration(settings.lease)}};
}

void keep_greater(std::optional<double>& greatest, double value) {
  greatest = std::max(greatest.value_or(value), value);
}

}  // namespace

Trial::Trial(const Settings& settings)
    : settings_(settings),
      server_({"--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"}, environment(folder_)),
      fleet_(std::make_unique<Fleet>(fleet_options(settings))) {}

void Trial::set_weather(const Names& nodes, const TcpGate::Weather& weather) {
  for (const std::string& node : nodes) gate(node).set(weather);
}

TcpGate& Trial::make_gate(const std::string& node) {
  auto& gate = gates_[node];
  if (!gate) gate = std::make_unique<TcpGate>(server_.port());
  return *gate;
}

void Trial::launch(const std::string& node) {
  const std::string store = fmt::format("redis://127.0.0.1:{}", make_gate(node).port());
  const auto launched = fleet_->launch(node, {"--store", store});
  if (!launched) throw Trouble(launched.error().message);
}

void Trial::begin(const Names& nodes) {
  for (const std::string& node : nodes) launch(node);
  wait_for("the first steady view", [&] { return steady(nodes); });
  pass(kWatched);
}

void Trial::step(const std::string& name, const std::function<void()>& cause, const Aim& aim) {
  const Epoch before = newest_epoch();
  Happening happening{name, system_clock::now(), {}, aim.steady};
  cause();
  fleet_->pump(milliseconds(0));  // What was told while the cause kept us.
  const WallTime healed = system_clock::now();
  const auto reached = [&] { return (!aim.newer_view || newest_epoch() > before) && steady(aim.steady); };
  do {
    wait_for(name, reached,
             aim.within + std::chrono::duration_cast<milliseconds>(healed - system_clock::now()));
    happening.until = system_clock::now();
    pass(kWatched);
  } while (!reached());
  steps_.push_back({happening, aim, healed});
}

void Trial::judge_step(const Step& step, WallTime now) {
  const auto& [happening, aim, healed] = step;
  const auto report = report_of(happening, fleet_->records(), intervals_of(fleet_->records(), now));
  if (!report.moved.empty()) keep_greater(figures_.moved_ms, milliseconds_of(spread_of(report.moved).max));
  if (!report.unmoved.empty()) {
    keep_greater(figures_.unmoved_ms, milliseconds_of(spread_of(report.unmoved).max));
  }
  const auto steady_after = report.steady_after.value_or(happening.until - happening.from);
  const auto recovery =
      std::max<std::chrono::nanoseconds>(happening.from + steady_after - healed, std::chrono::nanoseconds(0));
  if (milliseconds_of(recovery) >= figures_.recovery_ms.value_or(0)) {
    figures_.recovery_ms = milliseconds_of(recovery);
    figures_.allowed = aim.within;
  }
  const bool excused = stall_watch_.stalled(happening.from - settings_.lease, happening.until);
  bool all_kept = true;
  for (const std::string& node : lost_their_lease(fleet_->records(), happening.from, happening.until)) {
    all_kept = false;
    if (std::ranges::find(figures_.fenced, node) == figures_.fenced.end()) figures_.fenced.push_back(node);
    if (excused || std::ranges::find(aim.may_lose_lease, node) != aim.may_lose_lease.end()) continue;
    figures_.violations.push_back(
        {"lease", fmt::format("{} lost its lease in \"{}\"", node, happening.name)});
  }
  for (const auto& [job, pause] : report.unmoved) {
    if (!all_kept || aim.ghosts || pause.count() == 0) continue;
    figures_.violations.push_back({"P3", fmt::format("{} paused {:.1f} ms in \"{}\" and was not moved", job,
                                                     milliseconds_of(pause), happening.name)});
  }
}

void Trial::wait_for(const std::string& what, const std::function<bool()>& condition, milliseconds at_most) {
  if (fleet_->pump_until(condition, at_most)) return;
  throw Trouble(fmt::format("waited {} ms in vain for: {}\n{}", at_most.count(), what, what_they_said()));
}

void Trial::pass(milliseconds duration) {
  [[maybe_unused]] const bool never = fleet_->pump_until([] { return false; }, duration);
}

Figures Trial::judge() {
  const WallTime now = system_clock::now();
  for (const Step& step : steps_) judge_step(step, now);
  end_all();
  judge_exits();
  const auto& records = fleet_->records();
  const auto broken = check_promises(records, now);
  figures_.overlaps = overlaps_of(intervals_of(records, now)).size();
  figures_.violations.insert(figures_.violations.end(), broken.begin(), broken.end());
  if (!fleet_->trouble().empty()) figures_.violations.push_back({"output", fleet_->trouble()});
  return figures_;
}

void Trial::end_all() {
  for (Fleet::Node& node : fleet_->nodes()) {
    if (node.frozen) fleet_->thaw(node.name);
    fleet_->ask_to_leave(node.name);
  }
  wait_for("the end of all nodes", [&] {
    return std::ranges::all_of(fleet_->nodes(),
                               [](Fleet::Node& node) { return node.process.exit_code().has_value(); });
  });
  fleet_->pump(milliseconds(0));
}

void Trial::judge_exits() {
  for (std::size_t index = 0; index < fleet_->nodes().size(); ++index) {
    Fleet::Node& node = fleet_->nodes()[index];
    if (fleet_->records()[index].killed_at || node.process.exit_code() == 0) continue;
    figures_.violations.push_back({"exit", fmt::format("{} ended with {}: {}", node.name,
                                                       *node.process.exit_code(), node.process.errors())});
  }
}

bool Trial::steady(const Names& nodes) const {
  std::optional<Epoch> epoch;
  std::size_t jobs = 0;
  for (const std::string& name : nodes) {
    const NodeRecord* record = fleet_->record(name);
    if (record == nullptr) return false;
    const NodeNow node = now_of(*record, system_clock::now());
    if (node.state != NodeState::steady || node.members != nodes.size()) return false;
    if (epoch.value_or(node.epoch) != node.epoch) return false;
    epoch = node.epoch;
    jobs += node.jobs.size();
  }
  return jobs == settings_.jobs;
}

bool Trial::fenced(const Names& nodes) const {
  return std::ranges::all_of(nodes, [&](const std::string& name) {
    const NodeRecord* record = fleet_->record(name);
    const NodeNow node = record == nullptr ? NodeNow{} : now_of(*record, system_clock::now());
    return node.state == NodeState::suspended && node.jobs.empty();
  });
}

Epoch Trial::newest_epoch() const {
  Epoch newest;
  for (const NodeRecord& record : fleet_->records()) {
    newest = std::max(newest, now_of(record, system_clock::now()).epoch);
  }
  return newest;
}

std::string Trial::what_they_said() {
  std::string text = board_text(fleet_->nodes(), fleet_->records());
  for (const Fleet::Node& node : fleet_->nodes()) {
    text += fmt::format("--- {}\n{}", node.name, node.process.errors());
  }
  return text;
}

void Trial::interrupt(const std::function<void()>& what) {
  const WallTime from = system_clock::now();
  what();
  const WallTime until = system_clock::now();
  if (until - from > settings_.lease / 3) stall_watch_.count(from, until);
}

std::string Trial::command(const std::vector<std::string>& arguments) {
  std::string answer = server_.command(arguments);
  if (answer.starts_with('-')) throw Trouble(fmt::format("{}: {}", fmt::join(arguments, " "), answer));
  return answer;
}

void Trial::step_clock(std::chrono::microseconds by) {
  write_step(clock_file(folder_), by);
}

std::string Trial::saved_file() {
  std::string folder = command({"CONFIG", "GET", "dir"});
  folder.pop_back();
  return folder.substr(folder.find('\n') + 1) + "/dump.rdb";
}

milliseconds Trial::after_silence() const {
  return settings_.lease + 2 * settings_.heartbeat + kSlack;
}

milliseconds Trial::after_return() const {
  return kLongestBackOff + 2 * settings_.heartbeat + kSlack;
}

milliseconds Trial::after_lost_writes() const {
  return after_return() + settings_.lease;
}

}  // namespace nodepool::fault
