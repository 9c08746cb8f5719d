#include "cli/parts/job_watch.hpp"

#include <string_view>
#include <unordered_set>

namespace nodepool::cli {

JobWatch::JobWatch(const std::vector<std::string>& jobs) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : jobs) {
    if (seen.insert(name).second) jobs_.push_back(Job{name, false, {}, {}});
  }
}

std::optional<Event> JobWatch::observe(std::size_t index, const Decision& decision, WallTime before,
                                       WallTime after, const Teller& teller) {
  Job& job = jobs_.at(index);
  const bool was_granted = job.granted;
  job.granted = static_cast<bool>(decision);
  if (job.granted) {
    job.last_yes = before;
    job.token = decision.token;
  }
  if (was_granted == job.granted) return std::nullopt;
  if (job.granted) return GrantedEvent{after, job.name, job.token, teller};
  return RevokedEvent{after, job.name, job.last_yes, revoke_reason(decision.reason), job.token, teller};
}

}  // namespace nodepool::cli
