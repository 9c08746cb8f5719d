#include "scale/trial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "parts/figures.hpp"
#include "support/redis_server.hpp"

namespace nodepool::bench {
namespace {

constexpr unsigned kForeignKeys = 100'000;

/// A change that is under way.
class Stopwatch {
 public:
  Stopwatch(const test::RedisServer& server, const Crowd& crowd)
      : crowd_(crowd),
        cpu_(crowd.cpu()),
        leases_(crowd.leases_lost()),
        meter_(server),
        begun_(BootClock::now()) {}

  [[nodiscard]] MonotonicTime begun() const { return begun_; }
  /// `calm`: none if it has not come in time.
  [[nodiscard]] Change stop(const std::optional<Calm>& calm) const {
    return {.in_time = calm.has_value(),
            .took = (calm ? calm->at : BootClock::now()) - begun_,
            .server = meter_.read(),
            .workers_cpu = crowd_.cpu() - cpu_,
            .leases_lost = crowd_.leases_lost() - leases_};
  }

 private:
  const Crowd& crowd_;
  std::chrono::nanoseconds cpu_;
  std::uint32_t leases_;
  ServerMeter meter_;
  MonotonicTime begun_;
};

/// Nodes 0 to n-1 in equal parts; the last tenth in a process of its own, and a spare node in another.
class Scene {
 public:
  Scene(std::size_t nodes, const ScaleSettings& settings, ScaleResult& result)
      : nodes_(nodes),
        victims_(std::max<std::size_t>(1, nodes / 10)),
        settings_(settings),
        result_(result),
        crowd_({server_.url(), settings.heartbeat, settings.lease}, ranges()) {}

  [[nodiscard]] Change start(Range nodes, const std::vector<Range>& all, const char* what) {
    const Stopwatch watch(server_, crowd_);
    crowd_.start(nodes);
    return finish(watch, all, what);
  }

  /// Some nodes at a time, each time until all that run are steady.
  [[nodiscard]] Change ramp() {
    constexpr std::size_t kSteps = 20;
    const Stopwatch watch(server_, crowd_);
    for (std::size_t step = 0; step < kSteps; ++step) {
      const std::size_t begun = nodes_ * step / kSteps;
      const std::size_t end = nodes_ * (step + 1) / kSteps;
      if (begun == end) continue;
      const auto what = fmt::format("started by twentieths, nodes {} to {}", begun + 1, end);
      if (!start({begun, end - begun}, {{0, end}}, what.c_str()).in_time) return watch.stop(std::nullopt);
    }
    return watch.stop(calm_);
  }

  void join_and_leave() {
    std::vector<Change> joins;
    std::vector<Change> leaves;
    const Range spare{nodes_, 1};
    for (std::size_t count = 0; count < settings_.repetitions; ++count) {
      Change joined = start(spare, {everybody(), spare}, "one join");
      if (joined.in_time) joined.first = crowd_.of(nodes_).since - (calm_.at - joined.took);
      joins.push_back(joined);
      if (!joined.in_time) break;
      const Stopwatch watch(server_, crowd_);
      crowd_.stop(spare);
      leaves.push_back(finish(watch, {everybody()}, "one leave"));
      if (!leaves.back().in_time) break;
    }
    result_.join = median(joins);
    result_.leave = median(leaves);
  }

  void restart() {
    (void)server_.command({"SAVE"});
    server_.kill();
    server_.start();
    const Stopwatch watch(server_, crowd_);
    result_.restart = finish(watch, {everybody()}, "the restart of the server");
  }

  void crash() {
    const Stopwatch watch(server_, crowd_);
    crowd_.kill(settings_.processes);
    result_.crash = finish(watch, {{0, nodes_ - victims_}}, "the crash of a tenth");
  }

  [[nodiscard]] Quiet be_quiet() const {
    // What a change has left over, such as the check of a fresh subscription, is not part of the quiet.
    std::this_thread::sleep_for(settings_.heartbeat);
    const auto cpu = crowd_.cpu();
    const auto leases = crowd_.leases_lost();
    const ServerMeter meter(server_);
    std::this_thread::sleep_for(settings_.window);
    return {meter.read(), crowd_.cpu() - cpu, crowd_.leases_lost() - leases};
  }

  void add_foreign_keys() {
    const std::string script = "for i = 1, tonumber(ARGV[1]) do redis.call('SET', 'foreign:' .. i, i) end";
    const auto answer = server_.command({"EVAL", script, "0", std::to_string(kForeignKeys)});
    if (answer.starts_with("-")) result_.troubles.push_back("no foreign keys: " + answer);
  }

  [[nodiscard]] Range everybody() const { return {0, nodes_}; }

 private:
  [[nodiscard]] std::vector<Range> ranges() const {
    std::vector<Range> all;
    const std::size_t rest = nodes_ - victims_;
    for (std::size_t part = 0; part < settings_.processes; ++part) {
      const std::size_t first = rest * part / settings_.processes;
      all.push_back({first, rest * (part + 1) / settings_.processes - first});
    }
    all.push_back({rest, victims_});
    all.push_back({nodes_, 1});
    return all;
  }

  Change finish(const Stopwatch& watch, const std::vector<Range>& all, const char* what) {
    const auto calm = crowd_.await_calm(all, calm_.epoch, settings_.patience);
    if (!calm) {
      result_.troubles.push_back(
          fmt::format("{}: not all steady in one view within {} s ({} of {} are steady somewhere; {} leases "
                      "were lost so far, {} warnings told)",
                      what, settings_.patience.count(), crowd_.count_steady(all), size(all),
                      crowd_.leases_lost(), crowd_.troubles()));
    } else {
      calm_ = *calm;
    }
    return watch.stop(calm);
  }

  static std::size_t size(const std::vector<Range>& ranges) {
    std::size_t sum = 0;
    for (const Range& range : ranges) sum += range.count;
    return sum;
  }

  /// The middle one; if one has failed, that.
  static std::optional<Change> median(std::vector<Change> changes) {
    if (changes.empty()) return std::nullopt;
    if (!changes.back().in_time) return changes.back();
    std::ranges::sort(changes, {}, &Change::took);
    return changes[changes.size() / 2];
  }

  std::size_t nodes_;
  std::size_t victims_;
  const ScaleSettings& settings_;
  ScaleResult& result_;
  test::RedisServer server_;
  Crowd crowd_;
  Calm calm_;
};

}  // namespace

ScaleResult measure_scale(std::size_t nodes, const ScaleSettings& settings) {
  ScaleResult result{.nodes = nodes};
  if (!settings.only_warm) {
    Scene scene(nodes, settings, result);
    result.cold = scene.start(scene.everybody(), {scene.everybody()}, "all start on an empty server");
  }
  auto scene = std::make_unique<Scene>(nodes, settings, result);
  if (!scene->start({0, 1}, {{0, 1}}, "the first node's start").in_time) return result;
  result.warm = scene->start({1, nodes - 1}, {scene->everybody()}, "all start beside one");
  if (!result.warm->in_time) {
    scene.reset();
    scene = std::make_unique<Scene>(nodes, settings, result);
    result.ramp = scene->ramp();
    if (!result.ramp->in_time) return result;
  }
  result.quiet = scene->be_quiet();
  scene->add_foreign_keys();
  result.quiet_among_foreign_keys = scene->be_quiet();
  scene->join_and_leave();
  scene->restart();
  scene->crash();
  return result;
}

}  // namespace nodepool::bench
