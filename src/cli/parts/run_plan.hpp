#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "nodepool/pool.hpp"

/// What `nodepool run` does next. Pure: time and randomness are arguments.

namespace nodepool::cli {

/// Exit codes of `nodepool run` beside the command's own, as `timeout` and `env` have them where they do.
inline constexpr int kNotOwner = 122;
inline constexpr int kLeaseLost = 123;
inline constexpr int kTimedOut = 124;
inline constexpr int kRunFailed = 125;
inline constexpr int kCannotExecute = 126;
inline constexpr int kNoSuchCommand = 127;

/// Between KILL and the end of the lease: for the kill to happen, and for the processes to be gone.
inline constexpr std::chrono::milliseconds kKillSlack{100};

/// The time between TERM and KILL when the lease ends: what is wished for, or half of what there is room for.
/// Refuses more than there is room for: a node that renews its lease in time must never come near TERM.
[[nodiscard]] Result<std::chrono::milliseconds> lease_grace(const PoolOptions& options,
                                                            std::optional<std::chrono::milliseconds> wish);

enum class RestartRule { always, on_failure, never };

/// Why a command is being stopped.
enum class StopReason { none, moved, lease_lost, timed_out, leaving, left_behind };
[[nodiscard]] std::string_view to_string(StopReason reason) noexcept;

/// When a command is told to stop, and when it is killed if it still runs.
struct StopOrder {
  MonotonicTime term_at = MonotonicTime::max();
  MonotonicTime kill_at = MonotonicTime::max();
  bool operator==(const StopOrder&) const = default;
};

struct RunRules {
  std::chrono::milliseconds lease_grace{500};     ///< Between TERM and KILL when the lease ends.
  std::chrono::milliseconds stop_grace{10'000};   ///< The same for any other reason.
  std::chrono::milliseconds timeout{0};           ///< The longest run; 0: no limit.
  std::optional<std::chrono::milliseconds> wait;  ///< How long to go without the job; none: for ever.
  RestartRule restart = RestartRule::always;
  bool once = false;  ///< Until it has succeeded somewhere, which is written down.
  std::chrono::milliseconds restart_delay{1000};  ///< After the first end; doubles with each one.
  std::chrono::milliseconds restart_delay_most{60'000};
};

/// What is to be done now.
struct RunStep {
  enum class Act {
    rest,     ///< Nothing until `look_at`.
    claim,    ///< Try to take the job.
    mark,     ///< Of once: read whether it has succeeded; if not, write down that it is tried.
    start,    ///< Start the command under `order`.
    guard,    ///< The command runs (or something that it has left behind): see that `order` is kept.
    record,   ///< Of once: write down that it has succeeded.
    release,  ///< Give the claim back: nothing runs.
    leave     ///< Leave the pool and exit with `code`.
  };
  Act act = Act::rest;
  StopOrder order;
  int code = 0;
  MonotonicTime look_at = MonotonicTime::max();  ///< Ask again then, at the latest.
};

/// The life of one `nodepool run`: told what has happened, it says what to do next.
///
/// Promises: the command is started only under a claim, and only if the claim lasts beyond TERM; every order
/// kills before the claim's end less the slack; once TERM is due, no later order takes it back or gives more
/// time; a claim is released only when nothing runs. Belongs to one thread.
///
///     RunPlan plan(rules);
///     plan.on_joined(now);
///     if (plan.next(now).act == RunStep::Act::claim) plan.on_claimed(valid_until);
class RunPlan {
 public:
  explicit RunPlan(const RunRules& rules) noexcept : rules_(rules) {}

  void on_joined(MonotonicTime now) noexcept { without_job_since_ = now; }
  /// The pool is over for this node; nothing is left to do but to exit.
  void on_pool_over(int code) noexcept;
  void on_not_eligible(MonotonicTime now) noexcept;  ///< The answer to Act::claim was no.
  void on_claimed(MonotonicTime valid_until) noexcept;
  void on_lease(MonotonicTime valid_until) noexcept { valid_until_ = valid_until; }
  void on_hand_over(MonotonicTime now) noexcept;  ///< Somebody waits for the job.
  void on_released() noexcept { claimed_ = false; }
  /// This node is asked to leave by a signal, which the command was sent too.
  void on_leave(int signal, MonotonicTime now) noexcept;

  void on_marked() noexcept { marked_ = true; }  ///< The answer to Act::mark.
  void on_succeeded() noexcept;  ///< It is written down that the command has succeeded, here or elsewhere.
  /// The answer to Act::mark or Act::record: it is not known to be written. Tried again while the claim
  /// lasts.
  void on_not_written(MonotonicTime now) noexcept;

  void on_start(MonotonicTime now) noexcept;  ///< The answer to Act::start.
  void on_start_refused() noexcept;           ///< It came too late: nothing was started.
  void on_not_started(int code) noexcept;     ///< It cannot be executed, or its guardian is lost.
  void on_told(MonotonicTime now) noexcept { refresh_order(now); }  ///< TERM or KILL was due and was sent.
  void on_ended(int code, MonotonicTime now) noexcept;  ///< The command; what it has started may still run.
  /// Nothing of it runs any more. `random`: 0 to 1, of the delay before the next start.
  void on_gone(MonotonicTime now, double random) noexcept;

  [[nodiscard]] RunStep next(MonotonicTime now) noexcept;

  [[nodiscard]] StopReason reason() const noexcept { return reason_; }
  /// Which start in a row this is or will be: 1 at first, and again after a run that lasted.
  [[nodiscard]] unsigned attempt() const noexcept { return ended_in_a_row_ + 1; }
  [[nodiscard]] MonotonicTime rest_until() const noexcept { return rest_until_; }
  /// Of once: it has succeeded here, which could not be written down while the claim lasted.
  [[nodiscard]] bool success_is_lost() const noexcept { return success_is_lost_; }
  /// Nothing runs here: whether it has succeeded elsewhere is worth a look.
  [[nodiscard]] bool is_idle() const noexcept { return job_ == Job::none && !claimed_ && !exit_code_; }

 private:
  enum class Job { none, runs, left_behind };
  struct Limit {
    StopReason reason = StopReason::none;
    StopOrder order;
  };
  [[nodiscard]] Limit limit_of_lease() const noexcept;
  [[nodiscard]] Limit nearest(MonotonicTime started_at) const noexcept;
  void refresh_order(MonotonicTime now) noexcept;
  void forget_run() noexcept;
  [[nodiscard]] RunStep next_of_success(MonotonicTime now) noexcept;
  [[nodiscard]] int final_code() const noexcept;
  void decide_after_run(MonotonicTime now, double random) noexcept;
  void rest_after_end(MonotonicTime now, double random) noexcept;

  RunRules rules_;
  Job job_ = Job::none;
  bool claimed_ = false;
  bool lease_was_lost_ = false;  ///< The last run was ended by it: what --wait says if it runs out.
  bool ended_well_ = false;      ///< The last run, by itself, with 0.
  bool marked_ = false;          ///< The next run is written down.
  MonotonicTime valid_until_ = MonotonicTime::min();
  std::optional<MonotonicTime> without_job_since_;
  std::optional<MonotonicTime> handed_over_at_;
  std::optional<MonotonicTime> leave_at_;
  int leave_signal_ = 0;
  MonotonicTime started_at_;
  std::optional<MonotonicTime> ended_at_;
  int command_code_ = 0;
  StopReason reason_ = StopReason::none;
  StopOrder order_;
  StopReason order_reason_ = StopReason::none;   ///< Of its TERM.
  std::optional<MonotonicTime> lease_ended_at_;  ///< TERM was due because of it: no renewal takes that back.
  unsigned ended_in_a_row_ = 0;
  MonotonicTime rest_until_ = MonotonicTime::min();
  bool to_record_ = false;  ///< It has succeeded, which is not yet written down.
  bool succeeded_ = false;  ///< Here or elsewhere, and that is written down.
  bool success_is_lost_ = false;
  MonotonicTime write_at_ = MonotonicTime::min();  ///< When to try that again.
  std::optional<int> exit_code_;
};

}  // namespace nodepool::cli
