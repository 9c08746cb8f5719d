#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>

#include "cli/parts/job_process.hpp"
#include "cli/parts/once_record.hpp"
#include "cli/parts/run_log.hpp"
#include "cli/parts/run_plan.hpp"
#include "cli/parts/signal_inbox.hpp"
#include "cli/pool_arguments.hpp"
#include "driver/common/descriptor.hpp"
#include "nodepool/pool.hpp"

namespace nodepool::cli {

struct RunSettings {
  PoolArguments pool;
  std::string job;
  RunRules rules;
  LogFormat log_format = LogFormat::logfmt;
};

/// `nodepool run`: does what the plan (run_plan.hpp) says, with a pool, a claim, a command and signals.
///
/// Three threads: the caller's runs the plan and is the only one that has to do with the command; one waits
/// where the pool waits (for the start, and for the job); and the pool's own. The command is stopped in time
/// by its guardian even if all three are frozen.
class Runner {
 public:
  /// `signals` and `process` must have been made before the driver: threads inherit the blocked signals, and
  /// the guardian must have no part in the store's connections.
  /// REQUIRES: a job that is to succeed once has a driver with a ledger.
  Runner(RunSettings settings, const std::shared_ptr<Driver>& driver, SignalInbox& signals,
         JobProcess& process);

  /// Returns the exit code once the node has left.
  [[nodiscard]] int run();

 private:
  using Fields = std::vector<std::pair<std::string_view, std::string>>;

  void live(const std::stop_token& stop);
  void take_signals();
  void take_reports();
  void take(const JobReport& report, MonotonicTime now);
  void told_to_stop(int signal, MonotonicTime now);
  void look_at_pool();
  void look_at_claim(MonotonicTime now);
  [[nodiscard]] bool follow(const RunStep& step, MonotonicTime now);
  [[nodiscard]] bool claim(MonotonicTime now);
  void mark(MonotonicTime now);
  void record(MonotonicTime now);
  void look_for_success(MonotonicTime now);
  void take(const Result<OnceState>& state, MonotonicTime now);
  void start(const RunStep& step, MonotonicTime now);
  void guard(const StopOrder& order, MonotonicTime now);
  void wait_for_job();
  void wait_until(MonotonicTime look_at);
  [[nodiscard]] int leave(int code);
  [[nodiscard]] std::uint64_t attempt() const noexcept;
  [[nodiscard]] std::vector<std::string> environment() const;
  [[nodiscard]] PoolOptions pool_options() const;
  void log(std::string_view event, Fields fields = {}, LogLevel level = LogLevel::info) const;

  /// Wakes the plan's thread when the claim is told something.
  struct Alarm {
    int fd;
    void operator()() const noexcept;
  };
  struct Held {
    Claim claim;
    std::stop_callback<Alarm> on_hand_over;
    std::stop_callback<Alarm> on_stop;
    Held(Claim taken, Alarm alarm)
        : claim(std::move(taken)),
          on_hand_over(claim.hand_over_token(), alarm),
          on_stop(claim.stop_token(), alarm) {}
  };

  const RunSettings settings_;
  SignalInbox& signals_;
  JobProcess& process_;
  driver::Descriptor wake_;
  RunPlan plan_;
  std::optional<Held> held_;
  StopOrder limit_;                             ///< As the guardian knows it.
  std::optional<MonotonicTime> overdue_since_;  ///< KILL is due, and something still runs.
  std::optional<OnceRecord> once_;              ///< Of a job that is to succeed once.
  std::uint64_t once_attempt_ = 0;
  MonotonicTime look_for_success_at_;
  bool trouble_told_ = false;
  bool joined_ = false;
  bool waiting_told_ = false;
  std::mt19937 random_;

  std::mutex mutex_;
  std::condition_variable_any wanted_changed_;
  bool job_wanted_ = false;            ///< Guarded by mutex_.
  bool pool_over_ = false;             ///< Guarded by mutex_.
  std::optional<Result<void>> start_;  ///< How it ended; guarded by mutex_, taken by the plan's thread.
  NodePool pool_;                      ///< Its thread uses what is above.
  std::jthread life_;                  ///< Last: it uses all of it.
};

}  // namespace nodepool::cli
