// A fleet that loses its owners all the time, over weeks of virtual time: every instant of a schedule is run
// at most once, and all that are not run are noted. Frozen owners come back with an old record and an old
// token.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "cron/firing.hpp"

namespace nodepool::cron {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

/// The ledger: a text and its version, as stores keep it.
struct Cell {
  std::string text;
  std::uint64_t version = 0;
};

struct Node {
  std::string name;
  FencingToken token;  ///< Of its claim; it may be over without the node's knowing.
  NodeId life;
  Cell known;                  ///< What it has read.
  std::vector<RunMark> going;  ///< Its runs, in the order of their starts.
};

class Fleet {
 public:
  Fleet(JobPlan plan, WallTime start) : plan_(std::move(plan)), start_(start), now_(start) {
    for (const char* name : {"a", "b", "c"}) nodes_.push_back({name, {}, new_life(), {}, {}});
    hand_over();
  }

  void step() {
    now_ += seconds(*rc::gen::inRange(1, *rc::gen::element(10, 600, 7'200, 50'000)));
    const int what = *rc::gen::inRange(0, 10);
    if (what == 0) crash(*rc::gen::inRange<std::size_t>(0, nodes_.size()));
    if (what <= 1) hand_over();
    if (what == 2) release();
    if (what == 3 || what == 4) end_one(*rc::gen::inRange<std::size_t>(0, nodes_.size()));
    if (what == 5) end_one(owner_);
    // Whoever believes to own the job acts, also when it was frozen for long.
    const std::size_t actor = what == 6 ? *rc::gen::inRange<std::size_t>(0, nodes_.size()) : owner_;
    act(nodes_[actor],
        [&](const JobRecord& record, const Moment& moment) { return decide(plan_, record, moment); });
  }

  void check() const {
    std::uint64_t instants = 0;
    const JobRecord record = parse_job_record(store_.text).value();
    std::set<WallTime> all;
    for (auto at = plan_.schedule.next(start_); at && *at <= record.decided; at = plan_.schedule.next(*at)) {
      all.insert(*at);
      ++instants;
    }
    std::uint64_t accounted = unrun_ + record.pending.size();
    for (const auto& [scheduled, times] : runs_) {
      RC_ASSERT(times == 1);
      RC_ASSERT(all.contains(scheduled));
      ++accounted;
    }
    RC_ASSERT(accounted == instants);
    // No run is without an end but those that go on.
    RC_ASSERT(ended_ + record.running.size() == runs_.size());
  }

 private:
  [[nodiscard]] Moment moment_of(const Node& node) const {
    return {now_, start_, node.token, node.name, node.life, members_};
  }
  NodeId new_life() { return NodeId(std::to_string(++last_life_)); }

  /// Reads if its copy is not the store's, and tries again, as a node does.
  template <class Step>
  void act(Node& node, Step step) {
    for (int tries = 0; tries < 2; ++tries) {
      const Decision decision = step(parse_job_record(node.known.text).value(), moment_of(node));
      if (decision.is_stale || !decision.is_change) return;
      if (write(node, decision)) return;
      node.known = store_;
    }
  }
  bool write(Node& node, const Decision& decision) {
    if (node.known.version != store_.version) return false;
    store_ = {to_json(decision.record), store_.version + 1};
    node.known = store_;
    for (const HistoryEntry& entry : decision.entries) {
      const bool ran = entry.started.has_value();
      (ran ? ended_ : unrun_) += entry.count;
    }
    for (const RunMark& run : decision.start) {
      ++runs_[run.scheduled];
      node.going.push_back(run);
    }
    return true;
  }

  void end_one(std::size_t which, After after = After::go_on) {
    Node& node = nodes_[which];
    if (node.going.empty()) return;
    const RunMark run = node.going.front();
    node.going.erase(node.going.begin());
    act(node, [&](const JobRecord& record, const Moment& moment) {
      return end_run(plan_, record, run, {Outcome::succeeded, "", after}, moment);
    });
  }
  void crash(std::size_t which) {
    nodes_[which].going.clear();
    nodes_[which].life = new_life();
  }
  /// Another node, or the same again, gets the job, with a greater token. The one before is no member any
  /// more, and may not know it: it goes on under its old life.
  void hand_over() {
    nodes_[owner_].life = NodeId("over " + nodes_[owner_].life.str());
    grant(*rc::gen::inRange<std::size_t>(0, nodes_.size()));
  }
  void grant(std::size_t which) {
    owner_ = which;
    Node& node = nodes_[which];
    node.token = {++last_token_};
    node.known = store_;
    if (node.life.str().starts_with("over")) crash(which);
    members_.clear();
    for (const Node& each : nodes_) members_.push_back(each.life);
    std::ranges::sort(members_);
  }
  /// In peace: all runs are ended before the claim is released.
  void release() {
    while (!nodes_[owner_].going.empty()) end_one(owner_, After::leave);
    grant(*rc::gen::inRange<std::size_t>(0, nodes_.size()));
  }

  const JobPlan plan_;
  const WallTime start_;
  WallTime now_;
  Cell store_;
  std::vector<Node> nodes_;
  std::size_t owner_ = 0;
  std::vector<NodeId> members_;
  std::uint64_t last_token_ = 0;
  std::uint64_t last_life_ = 0;
  std::map<WallTime, int> runs_;
  std::uint64_t unrun_ = 0;
  std::uint64_t ended_ = 0;
};

RC_GTEST_PROP(FleetProperty, EveryInstantIsRunOnceOrNoted, ()) {
  const JobPolicy policy{.missed = *rc::gen::element(Missed::skip, Missed::once, Missed::all),
                         .overlap = *rc::gen::element(Overlap::forbid, Overlap::queue, Overlap::allow),
                         .deadline = *rc::gen::element(0ms, 600'000ms, 5'000ms),
                         .jitter = *rc::gen::element(0ms, 90'000ms),
                         .most_catch_up = *rc::gen::inRange(1U, 30U)};
  // Clocks go forward and back in these zones, and February has 29 days, within the weeks that follow.
  const auto expression = *rc::gen::element<std::string>(
      "30 2 * * *", "0 * * * *", "*/20 * * * *", "15 3 29 2 *", "CRON_TZ=America/New_York 30 1 * * *",
      "CRON_TZ=Australia/Lord_Howe */15 1-2 * * *", "@every 7m");
  const auto first_second =
      *rc::gen::element(1'708'000'000, 1'729'000'000, 1'709'160'000);  // February and October 2024
  const auto schedule = Schedule::parse(expression, {.time_zone = "Europe/Berlin", .job = "job"});
  Fleet fleet({"job", schedule.value(), policy}, WallTime(seconds(first_second)));
  const int steps = *rc::gen::inRange(1, 300);
  for (int step = 0; step < steps; ++step) fleet.step();
  fleet.check();
}

}  // namespace
}  // namespace nodepool::cron
