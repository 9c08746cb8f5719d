#include "cli/parts/job_watch.hpp"

#include <string_view>
#include <unordered_set>

namespace nodepool::cli {

JobWatch::JobWatch(const std::vector<std::string>& jobs) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : jobs) {
    if (seen.insert(name).second) jobs_.push_back(Job{name, false, {}, {}, {}});
  }
}

std::vector<Event> JobWatch::observe(std::size_t index, const Check& check, const Teller& teller) {
  std::vector<Event> events;
  Job& job = jobs_.at(index);
  const bool yes = static_cast<bool>(check.decision);
  const bool unwatched = check.made_by > job.valid_until;
  if (job.granted && (!yes || unwatched)) {
    // Whatever the node says now, the lease of the last yes was over first; it may have another one by now.
    const RevokeReason now = yes ? RevokeReason::moved : revoke_reason(check.decision.reason);
    const RevokeReason reason = unwatched && now == RevokeReason::moved ? RevokeReason::lease_lost : now;
    events.emplace_back(RevokedEvent{check.after, job.name, job.last_yes, reason, job.token, teller});
    job.granted = false;
  }
  if (!yes) return events;
  job.last_yes = check.before;
  job.valid_until = check.decision.valid_until;
  job.token = check.decision.token;
  if (!job.granted) events.emplace_back(GrantedEvent{check.after, job.name, job.token, teller});
  job.granted = true;
  return events;
}

}  // namespace nodepool::cli
