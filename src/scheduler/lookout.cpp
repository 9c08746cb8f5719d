#include "scheduler/lookout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace nodepool::cron {
namespace {

/// A member that has told of no list may be about to.
constexpr std::chrono::seconds kBenefitOfDoubt{3};
/// With so many turns somebody who has the job is found, if it is one of a thousand.
constexpr unsigned kMostTurns = 8192;

}  // namespace

Lookout::Lookout(Works& works, std::unique_ptr<Ledger> ledger, std::chrono::milliseconds notice, Tell tell)
    : works_(works),
      ledger_(std::move(ledger)),
      book_(*ledger_),
      notice_(notice),
      tell_(std::move(tell)),
      members_(*works.pool) {}

Lookout::~Lookout() {
  stop();
}

void Lookout::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Lookout::stop() {
  thread_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    interrupt_.request_stop();
  }
  if (!thread_.joinable()) return;
  thread_.join();
  // The node may stay in the pool: its jobs are others' from now on.
  list_ = JobList();
  enter();
}

void Lookout::set_jobs(std::vector<std::string> jobs, const std::vector<std::string>& changed) {
  const std::lock_guard lock(mutex_);
  new_jobs_ = std::move(jobs);
  renewed_.insert(renewed_.end(), changed.begin(), changed.end());
  interrupt_.request_stop();
}

void Lookout::run(const std::stop_token& stop) {
  std::uint64_t seen = 0;
  MonotonicTime next_reading{};
  std::optional<MonotonicTime> view;
  while (!stop.stop_requested()) {
    std::stop_token interrupt;
    {
      const std::lock_guard lock(mutex_);
      if (!new_jobs_ && !stop.stop_requested()) interrupt_ = {};
      interrupt = interrupt_.get_token();
    }
    seen = works_.pool->wait_for_change(seen, next_reading, interrupt);
    if (stop.stop_requested()) return;
    take_jobs();
    const bool is_time = BootClock::now() >= next_reading;
    if (is_time) {
      read_roster();
      next_reading = BootClock::now() + notice_;
    }
    const MonotonicTime new_view = works_.pool->last_view_change();
    if (is_time || std::exchange(view, new_view) != new_view) find_keys();
    tell_owned();
  }
}

void Lookout::take_jobs() {
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& job : std::exchange(renewed_, {})) owned_.erase(job);
    if (!new_jobs_) return;
    names = *std::exchange(new_jobs_, std::nullopt);
  }
  ours_.reset();
  list_ = JobList(names);
  jobs_ = JobSet(std::move(names));
  enter();
  find_keys();
}

void Lookout::read_roster() {
  auto roster = book_.read(works_.store_deadline());
  if (!roster) return works_.store_failed("", roster.error());
  roster_ = *std::move(roster);
  const auto changed = roster_.changed_since(seen_serial_.value_or(roster_.serial));
  seen_serial_ = roster_.serial;
  if (!changed) tell_.written("");
  if (changed) std::ranges::for_each(*changed, tell_.written);
  enter();
  load_lists();
}

/// Makes the roster say what this node has.
void Lookout::enter() {
  const NodeId life = works_.pool->node_id();
  const auto members = members_.lives();
  if (!std::ranges::binary_search(members, life) || roster_.digest_of(life) == list_.digest()) return;
  auto entered = book_.enter(life, list_, members, works_.store_deadline());
  if (!entered) return works_.store_failed("", entered.error());
  roster_ = *std::move(entered);
}

void Lookout::load_lists() {
  for (const auto& [digest, lives] : roster_.lives) {
    if (digest == list_.digest() || lists_.contains(digest)) continue;
    if (auto list = book_.list(digest, works_.store_deadline())) lists_.emplace(digest, *std::move(list));
  }
  std::erase_if(lists_, [&](const auto& list) { return !roster_.lives.contains(list.first); });
}

bool Lookout::has(const NodeInfo& member, const std::string& job) {
  const std::string digest = roster_.digest_of(member.id);
  if (digest == list_.digest() || member.id == works_.pool->node_id()) return true;
  const auto list = lists_.find(digest);
  if (list != lists_.end()) return list->second.has(job);
  const auto since = unknown_since_.find(member.id);
  return since == unknown_since_.end() || BootClock::now() - since->second < kBenefitOfDoubt;
}

bool Lookout::all_have_ours() const {
  const NodeId self = works_.pool->node_id();
  return std::ranges::all_of(works_.pool->nodes(), [&](const NodeInfo& member) {
    if (member.draining || member.id == self) return true;
    const std::string digest = roster_.digest_of(member.id);
    const auto since = unknown_since_.find(member.id);
    const bool is_new = since == unknown_since_.end() || BootClock::now() - since->second < kBenefitOfDoubt;
    return digest.empty() ? is_new : digest == list_.digest();
  });
}

/// The name under which somebody who has the job owns it; empty if that is not this node.
std::string Lookout::key_of(const std::string& job) {
  std::string key = job;
  for (unsigned turn = 1; turn < kMostTurns; ++turn) {
    const auto owner = works_.pool->owner(key);
    if (!owner) return {};
    if (has(*owner, job)) return owner->id == works_.pool->node_id() ? key : std::string();
    key = fmt::format("@nodepool/cron/turn/{}/{}", turn, job);
  }
  return {};
}

void Lookout::find_keys() {
  const MonotonicTime now = BootClock::now();
  std::map<NodeId, MonotonicTime> unknown;
  for (const NodeId& life : members_.lives()) {
    if (!roster_.digest_of(life).empty()) continue;
    const auto known = unknown_since_.find(life);
    unknown.emplace(life, known == unknown_since_.end() ? now : known->second);
  }
  unknown_since_ = std::move(unknown);
  // Each under its own name, as before.
  if (std::exchange(uniform_, all_have_ours()) && uniform_) return;
  keys_.clear();
  ours_.reset();
  if (uniform_) return;
  for (std::size_t job = 0; job < jobs_.size(); ++job) keys_.push_back(key_of(jobs_.name(job)));
}

/// What has changed since the last time.
void Lookout::tell_owned() {
  std::vector<std::size_t> ours;
  if (uniform_) {
    ours = works_.pool->eligible_jobs(jobs_);
  } else {
    for (std::size_t job = 0; job < jobs_.size(); ++job) {
      if (!keys_[job].empty() && works_.pool->is_eligible(keys_[job])) ours.push_back(job);
    }
  }
  // The usual case, also of very many jobs.
  if (ours_ == ours) return;
  std::unordered_map<std::string, std::string> owned;
  for (const std::size_t job : ours) owned[jobs_.name(job)] = uniform_ ? jobs_.name(job) : keys_[job];
  ours_ = std::move(ours);
  std::vector<Ownership> changes;
  for (const auto& [job, key] : owned) {
    const auto before = owned_.find(job);
    if (before == owned_.end() || before->second != key) changes.push_back({job, key});
  }
  for (const auto& [job, key] : owned_) {
    if (!owned.contains(job)) changes.push_back({job, {}});
  }
  owned_ = std::move(owned);
  if (!changes.empty()) tell_.owned(std::move(changes));
}

}  // namespace nodepool::cron
