#include "scheduler/keeper.hpp"

#include <algorithm>
#include <utility>

namespace nodepool::cron {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kCrewPause{10};           ///< Until a thread may be free.
constexpr milliseconds kClaimPause{25};          ///< Until the pool may grant what it has announced.
constexpr milliseconds kStorePause{200};         ///< Until the store may answer again.
constexpr std::chrono::seconds kPausedLook{10};  ///< For a paused job, if no word of its end came.

template <class Time>
void sooner(std::optional<Time>& when, Time other) {
  when = when ? std::min(*when, other) : other;
}

}  // namespace

std::span<const NodeId> Members::lives() {
  const MonotonicTime since = pool_.last_view_change();
  if (since_ != since) {
    lives_.clear();
    for (const NodeInfo& member : pool_.nodes()) lives_.push_back(member.id);
    std::ranges::sort(lives_);
    since_ = since;
  }
  return lives_;
}

void Keeper::CallLane::operator()() const noexcept {
  keeper->tools_.call(keeper->plan_.name, nullptr);
}

Keeper::Keeper(LaneTools& tools, std::shared_ptr<const JobSpec> job, WallTime now)
    : tools_(tools),
      job_(std::move(job)),
      plan_{job_->name, job_->schedule, job_->policy},
      known_since_(now) {}

void Keeper::change(std::shared_ptr<const JobSpec> job, WallTime now) {
  dropped_ = false;
  if (text_of(job->schedule) != text_of(plan_.schedule)) known_since_ = now;
  job_ = std::move(job);
  plan_.schedule = job_->schedule;
  plan_.policy = job_->policy;
}

void Keeper::ended(const Going* run) {
  const auto found = std::ranges::find(going_, run, &std::shared_ptr<Going>::get);
  if (found == going_.end()) return;
  ends_.push_back({run->mark(), run->end()});
  going_.erase(found);
}

void Keeper::stop_runs(Going::Cause cause) noexcept {
  for (const auto& run : going_) run->stop(cause);
}

Keeper::Next Keeper::look() {
  const MonotonicTime now = BootClock::now();
  Next next;
  const bool written = write_ends() && give_back_unstarted();
  if (!written) sooner(next.again, now + kStorePause);
  if (written && tools_.crew.is_full() && !key_.empty()) {
    sooner(next.again, now + kCrewPause);
  } else if (written && may_start()) {
    if (!decide_due() || !give_back_unstarted()) sooner(next.again, now + kStorePause);
  } else if (!key_.empty() && !claim_ && !closing_ && !dropped_) {
    sooner(next.again, now + kClaimPause);
  }
  if (!may_start()) leave_repeats();
  start_repeats(tools_.works.now());
  if (const auto late = stop_late_runs(now)) sooner(next.again, *late);
  if (!ends_.empty()) sooner(next.again, now + kStorePause);
  if (is_idle() && claim_) {
    if (!may_start()) sooner(next.again, now + kClaimPause);
    when_wanted_elsewhere_.reset();
    claim_.reset();
  }
  if (key_.empty() || closing_ || dropped_) return next;
  for (const RunMark& repeat : repeats_) sooner(next.due, repeat.started);
  if (!page_) return next;
  if (const auto due = next_look(plan_, page_->record, known_since_)) sooner(next.due, *due);
  if (page_->record.paused) sooner<MonotonicTime>(next.again, now + kPausedLook);
  return next;
}

/// Whether a run that is decided on may start: there is a claim, and nobody waits for it.
bool Keeper::may_start() {
  if (closing_ || dropped_ || key_.empty()) return false;
  if (!claim_ && is_idle()) {
    auto claim = tools_.works.pool->try_claim(key_);
    if (!claim) return false;
    claim_ = std::make_shared<const Claim>(*std::move(claim));
    when_wanted_elsewhere_.emplace(claim_->hand_over_token(), CallLane{this});
  }
  return claim_ && claim_->job() == key_ && claim_->valid() && !claim_->hand_over_token().stop_requested();
}

After Keeper::after(const End& end) {
  if (!may_start()) return After::leave;
  const bool failed = end.end.outcome == Outcome::failed || end.end.outcome == Outcome::timed_out;
  return failed && end.mark.attempt <= plan_.policy.retries ? After::repeat : After::go_on;
}

bool Keeper::write_ends() {
  while (!ends_.empty()) {
    const End& end = ends_.front();
    const After what = after(end);
    const bool done = step([&](JobRecord record, const Moment& moment) {
      return end_run(plan_, std::move(record), end.mark, {end.end.outcome, end.end.detail, what}, moment);
    });
    if (!done) return false;
    ends_.erase(ends_.begin());
  }
  return true;
}

bool Keeper::give_back_unstarted() {
  while (!unstarted_.empty()) {
    const bool done = step([&](JobRecord record, const Moment& moment) {
      return give_back(std::move(record), unstarted_.front(), moment);
    });
    if (!done) return false;
    unstarted_.erase(unstarted_.begin());
  }
  return true;
}

bool Keeper::decide_due() {
  return step(
      [&](JobRecord record, const Moment& moment) { return decide(plan_, std::move(record), moment); });
}

/// The job goes elsewhere: further attempts are not made.
void Keeper::leave_repeats() {
  for (const RunMark& repeat : std::exchange(repeats_, {})) {
    ends_.push_back({repeat, {Outcome::stopped, "the job has left this node before this attempt"}});
  }
}

void Keeper::start_repeats(WallTime now) {
  const auto is_later = [&](const RunMark& repeat) { return repeat.started > now; };
  const auto first = std::stable_partition(repeats_.begin(), repeats_.end(), is_later);
  const std::vector<RunMark> starting(first, repeats_.end());
  repeats_.erase(first, repeats_.end());
  for (const RunMark& repeat : starting) begin(repeat);
}

/// Tells runs to stop that take longer than they may. When to look for the next one.
std::optional<MonotonicTime> Keeper::stop_late_runs(MonotonicTime now) {
  std::optional<MonotonicTime> next;
  if (plan_.policy.timeout.count() == 0) return next;
  for (const auto& run : going_) {
    const MonotonicTime end = run->started_at() + plan_.policy.timeout;
    if (now >= end) {
      run->stop(Going::Cause::time_out);
    } else {
      sooner(next, end);
    }
  }
  return next;
}

/// One step of the book by the rule: written down first, then done. False if the store does not answer.
template <class Rule>
bool Keeper::step(Rule rule) {
  constexpr int kTries = 8;
  for (int tries = 0; tries < kTries; ++tries) {
    if (!page_ && !read_page()) return false;
    Decision decision = rule(page_->record, moment());
    if (decision.is_stale) {
      page_.reset();
      return false;
    }
    if (!decision.is_change) return true;
    auto step = tools_.book.write(plan_.name, page_->version, decision.record, decision.entries,
                                  plan_.policy.history, tools_.works.store_deadline());
    if (!step) return failed(step.error());
    page_ = std::move(step->page);
    if (!step->written) continue;
    failing_ = false;
    for (const HistoryEntry& entry : decision.entries) tools_.works.tell(plan_.name, entry);
    for (const RunMark& run : decision.start) begin(run);
    adopt_marks();
    return true;
  }
  return failed({ErrorCode::unavailable, "others write all the time"});
}

bool Keeper::failed(const Error& error) {
  page_.reset();
  if (!std::exchange(failing_, true)) tools_.works.store_failed(plan_.name, error);
  return false;
}

bool Keeper::read_page() {
  auto page = tools_.book.read(plan_.name, tools_.works.store_deadline());
  if (!page) return failed(page.error());
  failing_ = false;
  page_ = *std::move(page);
  adopt_marks();
  return true;
}

/// A mark of ours that belongs to no run: of a further attempt, or of a step whose outcome was not known.
void Keeper::adopt_marks() {
  const NodeId life = tools_.works.pool->node_id();
  for (const RunMark& mark : page_->record.running) {
    if (mark.life == life && !knows(mark)) repeats_.push_back(mark);
  }
}

bool Keeper::knows(const RunMark& mark) const {
  const auto is_it = [&](const RunMark& other) { return other == mark; };
  return std::ranges::any_of(going_, is_it, [](const auto& run) -> const RunMark& { return run->mark(); }) ||
         std::ranges::any_of(ends_, is_it, &End::mark) || std::ranges::any_of(repeats_, is_it) ||
         std::ranges::any_of(unstarted_, is_it);
}

/// REQUIRES: the mark is written.
void Keeper::begin(const RunMark& mark) {
  if (!claim_->valid()) {
    unstarted_.push_back(mark);
    return;
  }
  auto run = std::make_shared<Going>(plan_.name, mark, claim_);
  going_.push_back(run);
  tools_.works.count_start();
  tools_.crew.give([run, job = job_, call = tools_.call] {
    run->execute(job->function);
    call(run->job(), run.get());
  });
}

Moment Keeper::moment() {
  return {.now = tools_.works.now(),
          .known_since = known_since_,
          .token = claim_->token(),
          .node = tools_.works.pool->node_name().str(),
          .life = tools_.works.pool->node_id(),
          .members = tools_.members.lives()};
}

JobStatus Keeper::status() const {
  JobStatus status{.name = plan_.name, .schedule = plan_.schedule, .policy = plan_.policy};
  status.is_here = !key_.empty();
  status.is_paused = page_ && page_->record.paused;
  status.running = going_.size();
  status.next = page_ ? next_look(plan_, page_->record, known_since_)
                      : plan_.schedule.next(std::max(known_since_, tools_.works.now()));
  return status;
}

}  // namespace nodepool::cron
