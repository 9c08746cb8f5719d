#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "cron/job_record.hpp"
#include "nodepool/cron.hpp"

namespace nodepool::cron {

/// A run between its mark in the book and the note of its end: what the lane that has started it and the
/// thread that runs it share.
class Going final : public JobRun {
 public:
  enum class Cause { none, time_out, lease, scheduler };

  /// `claim` is shared by the runs of a job, and is not released before all have ended.
  Going(std::string job, RunMark mark, std::shared_ptr<const Claim> claim);

  // ---- JobRun
  [[nodiscard]] const std::string& job() const noexcept override { return job_; }
  [[nodiscard]] WallTime scheduled() const noexcept override { return mark_.scheduled; }
  [[nodiscard]] unsigned attempt() const noexcept override { return mark_.attempt; }
  [[nodiscard]] FencingToken token() const noexcept override { return mark_.token; }
  [[nodiscard]] std::stop_token stop_token() const noexcept override { return stop_.get_token(); }
  [[nodiscard]] MonotonicTime valid_until() const noexcept override { return claim_->valid_until(); }
  void fail(std::string why) override;
  void give_up(std::string why) override;
  void note(std::string detail) override;

  // ---- for its lane
  [[nodiscard]] const RunMark& mark() const noexcept { return mark_; }
  [[nodiscard]] MonotonicTime started_at() const noexcept { return started_at_; }
  /// The first cause counts.
  void stop(Cause cause) noexcept;
  /// Calls the function. Never throws.
  void execute(const JobFunction& function) noexcept;
  struct End {
    Outcome outcome = Outcome::succeeded;
    std::string detail;
  };
  /// REQUIRES: it was executed.
  [[nodiscard]] End end() const;

 private:
  struct ByLease {
    Going* going;
    void operator()() const noexcept { going->stop(Cause::lease); }
  };

  const std::string job_;
  const RunMark mark_;
  const std::shared_ptr<const Claim> claim_;
  const MonotonicTime started_at_;
  std::stop_source stop_;
  std::atomic<Cause> cause_{Cause::none};
  mutable std::mutex mutex_;
  bool failed_ = false;                      ///< Guarded by mutex_.
  std::string detail_;                       ///< Guarded by mutex_.
  Cause cause_at_end_ = Cause::none;         ///< Guarded by mutex_.
  std::stop_callback<ByLease> when_fenced_;  ///< Last: it may be called before this object is complete.
};

}  // namespace nodepool::cron
