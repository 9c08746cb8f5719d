#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cli/parts/events.hpp"

namespace nodepool::cli {

/// Turns a stream of checks into granted and revoked events. Pure; belongs to one thread.
///
/// What it prints lies inside the truth: `granted` carries the clock read after the first check that said
/// yes, and `revoked` the clock read before the last one. So if two nodes' printed intervals overlap, two
/// nodes did say yes at one instant.
class JobWatch {
 public:
  /// Each job is watched once, in the order of its first mention.
  explicit JobWatch(const std::vector<std::string>& jobs);

  [[nodiscard]] std::size_t size() const noexcept { return jobs_.size(); }
  [[nodiscard]] const std::string& job(std::size_t index) const { return jobs_.at(index).name; }

  /// One check of one job: the decision, and the clock right before and right after it. Returns the event
  /// that it makes, if any. REQUIRES: index < size().
  [[nodiscard]] std::optional<Event> observe(std::size_t index, const Decision& decision, WallTime before,
                                             WallTime after, const Teller& teller);

 private:
  struct Job {
    std::string name;
    bool granted = false;
    WallTime last_yes;
    FencingToken token;
  };
  std::vector<Job> jobs_;
};

}  // namespace nodepool::cli
