#include "core/claims.hpp"

namespace nodepool {

std::optional<ClaimLedger::Serial> ClaimLedger::add(std::string_view job) {
  if (claims_.contains(job)) return std::nullopt;
  claims_.emplace(job, Entry{.serial = ++last_serial_, .hash = hash_key(job)});
  return last_serial_;
}

bool ClaimLedger::remove(std::string_view job, Serial serial) {
  const auto found = claims_.find(job);
  if (found == claims_.end() || found->second.serial != serial) return false;
  const bool awaited = found->second.asked && !found->second.revoked;
  claims_.erase(found);
  return awaited;
}

std::vector<ClaimLedger::Serial> ClaimLedger::revoke_all() {
  return revoke_outside(ArcSet{});
}

std::vector<ClaimLedger::Serial> ClaimLedger::revoke_outside(const ArcSet& owned) {
  std::vector<Serial> told;
  for (auto& [job, entry] : claims_) {
    if (entry.revoked || owned.contains(entry.hash)) continue;
    entry.revoked = true;
    told.push_back(entry.serial);
  }
  return told;
}

std::vector<ClaimLedger::Serial> ClaimLedger::ask_to_hand_over(const ArcSet& owned) {
  std::vector<Serial> told;
  for (auto& [job, entry] : claims_) {
    if (entry.asked || owned.contains(entry.hash)) continue;
    entry.asked = true;
    told.push_back(entry.serial);
  }
  return told;
}

std::vector<std::string> ClaimLedger::held(const ArcSet& owned) const {
  std::vector<std::string> jobs;
  for (const auto& [job, entry] : claims_) {
    if (!entry.revoked && !owned.contains(entry.hash)) jobs.push_back(job);
  }
  return jobs;
}

}  // namespace nodepool
