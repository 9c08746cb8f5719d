#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/parts/events.hpp"

namespace nodepool::cli {

/// One look at one job's decision.
struct Check {
  Decision decision;
  WallTime before;        ///< The clock read right before it was made,
  WallTime after;         ///< and right after.
  MonotonicTime made_by;  ///< The lease's clock, read right after.
};

/// Turns a stream of checks into granted and revoked events. Pure; belongs to one thread.
///
/// What it tells lies inside the truth: `granted` carries the clock read after the first check that said yes,
/// and `revoked` the clock read before the last one. A yes reaches until its `valid_until`: if the next check
/// comes later (the process was frozen), nothing is known of the time between, and the job counts as revoked
/// and granted again even if both checks said yes. So if two nodes' intervals overlap, two nodes did say yes
/// at one instant.
class JobWatch {
 public:
  /// Each job is watched once, in the order of its first mention.
  explicit JobWatch(const std::vector<std::string>& jobs);

  [[nodiscard]] std::size_t size() const noexcept { return jobs_.size(); }
  [[nodiscard]] const std::string& job(std::size_t index) const { return jobs_.at(index).name; }

  /// Takes in one check of one job; returns the events that it makes: none, one, or revoked and granted.
  /// REQUIRES: index < size(). Does not allocate if there is no event.
  [[nodiscard]] std::vector<Event> observe(std::size_t index, const Check& check, const Teller& teller);

 private:
  struct Job {
    std::string name;
    bool granted = false;
    WallTime last_yes;
    MonotonicTime valid_until;  ///< Of the last yes.
    FencingToken token;
  };
  std::vector<Job> jobs_;
};

}  // namespace nodepool::cli
