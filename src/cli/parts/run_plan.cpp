#include "cli/parts/run_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/parts/duration.hpp"
#include "cli/parts/execution.hpp"
#include "nodepool/driver.hpp"

namespace nodepool::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// The far past and the far future stay where they are.
MonotonicTime earlier(MonotonicTime time, nanoseconds by) noexcept {
  const bool far =
      time == MonotonicTime::max() || time.time_since_epoch() < MonotonicTime::min().time_since_epoch() + by;
  return far ? time : time - by;
}

}  // namespace

Result<milliseconds> lease_grace(const PoolOptions& options, std::optional<milliseconds> wish) {
  constexpr milliseconds kUsual{10'000};
  // What a reply gives (docs/protocol.md, Lease), less the heartbeat until the next one, less the kill's own.
  const PoolConfig config{.heartbeat = options.heartbeat, .lease = options.lease};
  const auto margin = std::chrono::ceil<milliseconds>(clock_step_cap(config)) +
                      std::chrono::ceil<milliseconds>(options.lease * options.max_clock_drift);
  const milliseconds room = options.lease - margin - options.heartbeat - kKillSlack;
  if (room <= milliseconds(0)) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("a lease of {} with heartbeats of {} leaves no time to stop a command; make "
                               "the lease longer than {} or the heartbeats more frequent",
                               format_duration(options.lease), format_duration(options.heartbeat),
                               format_duration(options.lease - room)));
  }
  if (!wish) return std::min(kUsual, room / 2);
  if (*wish >= room) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("--grace {} does not fit into a lease of {} with heartbeats of {}; it must be "
                               "shorter than {}, or the lease longer",
                               format_duration(*wish), format_duration(options.lease),
                               format_duration(options.heartbeat), format_duration(room)));
  }
  return *wish;
}

std::string_view to_string(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::none:
      return "none";
    case StopReason::moved:
      return "moved";
    case StopReason::lease_lost:
      return "lease_lost";
    case StopReason::timed_out:
      return "timed_out";
    case StopReason::leaving:
      return "leaving";
    case StopReason::left_behind:
      return "left_behind";
  }
  return "";
}

void RunPlan::on_pool_over(int code) noexcept {
  if (!exit_code_) exit_code_ = code;
}

void RunPlan::on_not_eligible(MonotonicTime now) noexcept {
  if (!rules_.wait || !without_job_since_ || exit_code_) return;
  if (now - *without_job_since_ >= *rules_.wait) exit_code_ = lease_was_lost_ ? kLeaseLost : kNotOwner;
}

void RunPlan::on_claimed(MonotonicTime valid_until) noexcept {
  claimed_ = true;
  marked_ = false;  // What was marked under a claim before may have been done by others since.
  valid_until_ = valid_until;
  handed_over_at_.reset();
}

void RunPlan::on_hand_over(MonotonicTime now) noexcept {
  if (!handed_over_at_) handed_over_at_ = now;
}

void RunPlan::on_leave(int signal, MonotonicTime now) noexcept {
  if (leave_at_) return;
  leave_at_ = now;
  leave_signal_ = signal;
  if (job_ != Job::none && reason_ == StopReason::none) reason_ = StopReason::leaving;
}

void RunPlan::on_succeeded() noexcept {
  to_record_ = false;
  succeeded_ = true;
  if (!exit_code_) exit_code_ = 0;
}

void RunPlan::on_not_written(MonotonicTime now) noexcept {
  constexpr milliseconds kPause{200};
  write_at_ = now + kPause;
}

void RunPlan::on_start(MonotonicTime now) noexcept {
  marked_ = false;
  job_ = Job::runs;
  started_at_ = now;
  lease_was_lost_ = false;
}

void RunPlan::on_start_refused() noexcept {
  forget_run();
}

void RunPlan::on_not_started(int code) noexcept {
  forget_run();
  if (!exit_code_) exit_code_ = code;
}

void RunPlan::on_ended(int code, MonotonicTime now) noexcept {
  refresh_order(now);  // It may have been told to stop while this process slept.
  job_ = Job::left_behind;
  ended_well_ = code == 0 && reason_ == StopReason::none;
  ended_at_ = now;
  command_code_ = code;
}

void RunPlan::on_gone(MonotonicTime now, double random) noexcept {
  without_job_since_ = now;
  decide_after_run(now, random);
  forget_run();
}

/// What was due in that run is nothing to the next one.
void RunPlan::forget_run() noexcept {
  job_ = Job::none;
  ended_at_.reset();
  lease_ended_at_.reset();
  reason_ = StopReason::none;
}

void RunPlan::decide_after_run(MonotonicTime now, double random) noexcept {
  if (rules_.once && ended_well_) {
    to_record_ = true;
    write_at_ = now;
    return;
  }
  if (leave_at_) {
    exit_code_ = command_code_;
    return;
  }
  const bool taken_away = reason_ == StopReason::moved || reason_ == StopReason::lease_lost;
  lease_was_lost_ = reason_ == StopReason::lease_lost;
  if (taken_away) {
    ended_in_a_row_ = 0;
    if (rules_.restart == RestartRule::never) exit_code_ = lease_was_lost_ ? kLeaseLost : kNotOwner;
    return;
  }
  const int code = reason_ == StopReason::timed_out ? kTimedOut : command_code_;
  const bool again =
      rules_.restart == RestartRule::always || (rules_.restart == RestartRule::on_failure && code != 0);
  if (!again) {
    exit_code_ = code;
    return;
  }
  rest_after_end(now, random);
}

/// Half of the delay is left to chance, so that a fleet whose commands fail together does not come back
/// together. The rest does not count as time without the job.
void RunPlan::rest_after_end(MonotonicTime now, double random) noexcept {
  const bool lasted = ended_at_.value_or(now) - started_at_ >= rules_.restart_delay_most;
  const unsigned doublings = lasted ? 0 : ended_in_a_row_;
  constexpr unsigned kMostDoublings = 40;
  const double wished = static_cast<double>(rules_.restart_delay.count()) *
                        std::exp2(static_cast<double>(std::min(doublings, kMostDoublings)));
  const double delay = std::min(wished, static_cast<double>(rules_.restart_delay_most.count()));
  ended_in_a_row_ = doublings + 1;
  const double share = 0.5 + 0.5 * random;
  rest_until_ = now + milliseconds(static_cast<milliseconds::rep>(delay * share));
  without_job_since_ = rest_until_;
}

RunPlan::Limit RunPlan::limit_of_lease() const noexcept {
  const MonotonicTime kill_at = earlier(valid_until_, kKillSlack);
  return {StopReason::lease_lost, {earlier(kill_at, rules_.lease_grace), kill_at}};
}

/// The first TERM of all reasons, and the first KILL of all reasons.
RunPlan::Limit RunPlan::nearest(MonotonicTime started_at) const noexcept {
  Limit nearest = limit_of_lease();
  const auto consider = [&](StopReason reason, MonotonicTime term_at, MonotonicTime kill_at) {
    if (term_at < nearest.order.term_at) {
      nearest.order.term_at = term_at;
      nearest.reason = reason;
    }
    nearest.order.kill_at = std::min(nearest.order.kill_at, kill_at);
  };
  if (lease_ended_at_)
    consider(StopReason::lease_lost, *lease_ended_at_, *lease_ended_at_ + rules_.lease_grace);
  const auto stop_from = [&](StopReason reason, MonotonicTime at) {
    consider(reason, at, at + rules_.stop_grace);
  };
  if (handed_over_at_) stop_from(StopReason::moved, *handed_over_at_);
  if (rules_.timeout.count() > 0) stop_from(StopReason::timed_out, started_at + rules_.timeout);
  if (ended_at_) stop_from(StopReason::left_behind, *ended_at_);
  // The signal itself has been forwarded: no TERM on top of it.
  if (leave_at_) consider(StopReason::leaving, MonotonicTime::max(), *leave_at_ + rules_.stop_grace);
  return nearest;
}

/// What was due by the order before has happened, whatever has become of the lease since: the guardian acts
/// without us.
void RunPlan::refresh_order(MonotonicTime now) noexcept {
  if (order_.term_at <= now) {
    if (reason_ == StopReason::none) reason_ = order_reason_;
    if (order_reason_ == StopReason::lease_lost && !lease_ended_at_) lease_ended_at_ = order_.term_at;
  }
  const Limit limit = nearest(started_at_);
  order_ = limit.order;
  order_reason_ = limit.reason;
  if (order_.term_at <= now && reason_ == StopReason::none) reason_ = order_reason_;
}

/// As long as the claim lasts nobody else can have begun. Beyond that the success is not known to the others.
RunStep RunPlan::next_of_success(MonotonicTime now) noexcept {
  if (valid_until_ <= now) {
    to_record_ = false;
    success_is_lost_ = true;
    exit_code_ = kRunFailed;
    return {RunStep::Act::release, {}, 0, now};
  }
  if (now < write_at_) return {RunStep::Act::rest, {}, 0, write_at_};
  return {RunStep::Act::record, {}, 0, now};
}

/// Of once, 0 says that the success is written down: who waits for it builds on that.
int RunPlan::final_code() const noexcept {
  const int code = exit_code_.value_or(kSignalled + leave_signal_);
  if (!rules_.once || code != 0 || succeeded_) return code;
  return leave_at_ ? kSignalled + leave_signal_ : kNotOwner;
}

RunStep RunPlan::next(MonotonicTime now) noexcept {
  if (job_ != Job::none) {
    refresh_order(now);
    constexpr milliseconds kOverdue{10};
    MonotonicTime look_at = now + kOverdue;  // Nothing is due any more but its end.
    if (order_.kill_at > now) look_at = order_.kill_at;
    if (order_.term_at > now) look_at = std::min(look_at, order_.term_at);
    return {RunStep::Act::guard, order_, 0, look_at};
  }
  const bool resting = now < rest_until_;
  if (claimed_ && to_record_) return next_of_success(now);
  if (claimed_) {
    const bool give_back = exit_code_ || leave_at_ || handed_over_at_ || resting || valid_until_ <= now;
    if (give_back) return {RunStep::Act::release, {}, 0, now};
    const Limit limit = nearest(now);
    // A claim that is not renewed in time for a run is waited with: it may be renewed yet.
    if (limit.order.term_at <= now) return {RunStep::Act::rest, {}, 0, valid_until_};
    if (rules_.once && !marked_) {
      if (now < write_at_) return {RunStep::Act::rest, {}, 0, write_at_};
      return {RunStep::Act::mark, {}, 0, now};
    }
    order_ = limit.order;
    order_reason_ = limit.reason;
    return {RunStep::Act::start, order_, 0, now};
  }
  if (exit_code_ || leave_at_) return {RunStep::Act::leave, {}, final_code(), now};
  if (resting) return {RunStep::Act::rest, {}, 0, rest_until_};
  const bool hurried = rules_.wait && without_job_since_;
  return {RunStep::Act::claim, {}, 0, hurried ? *without_job_since_ + *rules_.wait : MonotonicTime::max()};
}

}  // namespace nodepool::cli
