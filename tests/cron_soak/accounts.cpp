#include "cron_soak/accounts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace nodepool::cron_soak {
namespace {

using cron::HistoryEntry;
using cron::Outcome;

std::int64_t second_of(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// The judge of one job.
class Judge {
 public:
  Judge(const JobStory& story, Sum& sum) : story_(story), sum_(sum) {}

  std::vector<std::string> faults() {
    for (const HistoryEntry& entry : story_.history) take(entry);
    check_commands();
    check_count();
    check_overlaps();
    return std::move(faults_);
  }

 private:
  template <class... Args>
  void fault(fmt::format_string<Args...> form, Args&&... args) {
    faults_.push_back(story_.name + ": " + fmt::format(form, std::forward<Args>(args)...));
  }

  void take(const HistoryEntry& entry) {
    const auto first = entry.scheduled - std::chrono::seconds(entry.count - 1);
    first_ = first_ ? std::min(*first_, first) : first;
    if (!entry.started) {
      unrun_ += entry.count;
      sum_.unrun += entry.count;
      if (story_.policy.missed == cron::Missed::all && entry.outcome == Outcome::missed)
        fault("{} instants up to {} were missed, though all are to be run", entry.count,
              second_of(entry.scheduled));
      return;
    }
    if (!outcomes_.emplace(entry.scheduled, entry.outcome).second)
      fault("the run of {} has ended twice", second_of(entry.scheduled));
    ++sum_.runs;
    sum_.lost += entry.outcome == Outcome::lost ? 1U : 0U;
    sum_.stopped += entry.outcome == Outcome::stopped ? 1U : 0U;
    sum_.longest_lateness =
        std::max<std::chrono::nanoseconds>(sum_.longest_lateness, *entry.started - entry.scheduled);
  }

  void check_commands() {
    for (const auto& [instant, times] : story_.written) {
      if (times > 1) fault("the command of {} was started {} times", second_of(instant), times);
      if (!outcomes_.contains(instant)) fault("the command of {} has no entry", second_of(instant));
    }
    for (const auto& [instant, outcome] : outcomes_) {
      if (outcome == Outcome::succeeded && !story_.written.contains(instant))
        fault("the run of {} succeeded without a command", second_of(instant));
      if (outcome == Outcome::failed) fault("the run of {} has failed", second_of(instant));
    }
  }

  void check_count() {
    if (!first_) return fault("it never ran");
    std::size_t instants = 0;
    const auto before = *first_ - std::chrono::seconds(1);
    for (auto at = story_.schedule.next(before); at && *at <= story_.record.decided;
         at = story_.schedule.next(*at))
      ++instants;
    sum_.instants += instants;
    const std::size_t known = outcomes_.size() + unrun_ + story_.record.waiting;
    if (known != instants) {
      fault("of {} instants {} are accounted for ({} runs, {} not run, {} waiting)", instants, known,
            outcomes_.size(), unrun_, story_.record.waiting);
    }
    if (!story_.record.running.empty()) fault("a run goes on after all has ended");
  }

  void check_overlaps() {
    if (story_.policy.overlap == cron::Overlap::allow) return;
    std::vector<std::pair<WallTime, WallTime>> runs;
    for (const HistoryEntry& entry : story_.history) {
      if (entry.started && entry.ended) runs.emplace_back(*entry.started, *entry.ended);
    }
    std::ranges::sort(runs);
    for (std::size_t run = 1; run < runs.size(); ++run) {
      if (runs[run].first < runs[run - 1].second) fault("two runs overlap at {}", second_of(runs[run].first));
    }
  }

  const JobStory& story_;
  Sum& sum_;
  std::vector<std::string> faults_;
  std::map<WallTime, Outcome> outcomes_;
  std::size_t unrun_ = 0;
  std::optional<WallTime> first_;
};

}  // namespace

std::vector<std::string> faults_of(const JobStory& story, Sum& sum) {
  return Judge(story, sum).faults();
}

}  // namespace nodepool::cron_soak
