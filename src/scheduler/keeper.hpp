#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cron/firing.hpp"
#include "scheduler/book.hpp"
#include "scheduler/going.hpp"
#include "scheduler/works.hpp"

namespace nodepool::cron {

/// The lives of the pool's members, as of the newest view. Belongs to one thread.
class Members {
 public:
  explicit Members(INodePool& pool) : pool_(pool) {}
  /// Not older than any claim that the caller has. Ascending.
  [[nodiscard]] std::span<const NodeId> lives();

 private:
  INodePool& pool_;
  std::optional<MonotonicTime> since_;
  std::vector<NodeId> lives_;
};

/// What a keeper needs of the lane that it belongs to.
struct LaneTools {
  Works& works;
  Crew& crew;
  Book& book;
  Members& members;
  /// Hands something to the lane's thread, from any thread: a run of this job has ended (or null: look
  /// again).
  std::function<void(const std::string& job, const Going* ended)> call;
};

/// One job on this node: its claim, its page of the book, its runs. Everything happens when it is looked at,
/// on its lane's thread: ends are written down, what is due is decided, written down, and started. It keeps
/// the claim from the decision until all that it has started is over and written down.
class Keeper {
 public:
  Keeper(LaneTools& tools, std::shared_ptr<const JobSpec> job, WallTime now);
  ~Keeper() = default;
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  void change(std::shared_ptr<const JobSpec> job, WallTime now);
  void drop() noexcept { dropped_ = true; }
  /// The job is this node's, under that name in the pool; empty: it is not.
  void own(std::string key) { key_ = std::move(key); }
  void forget_page() noexcept { page_.reset(); }
  void ended(const Going* run);
  /// No starts any more.
  void close() noexcept { closing_ = true; }
  void stop_runs(Going::Cause cause) noexcept;

  /// When it is to be looked at again, at the latest.
  struct Next {
    std::optional<WallTime> due;
    std::optional<MonotonicTime> again;
  };
  [[nodiscard]] Next look();

  [[nodiscard]] bool is_dropped() const noexcept { return dropped_; }
  [[nodiscard]] bool is_running() const noexcept { return !going_.empty(); }
  /// Nothing runs, and nothing is left to be written.
  [[nodiscard]] bool is_idle() const noexcept {
    return going_.empty() && ends_.empty() && repeats_.empty() && unstarted_.empty();
  }
  [[nodiscard]] JobStatus status() const;

 private:
  struct End {
    RunMark mark;
    Going::End end;
  };

  [[nodiscard]] bool may_start();
  [[nodiscard]] bool write_ends();
  [[nodiscard]] bool give_back_unstarted();
  [[nodiscard]] bool decide_due();
  void leave_repeats();
  void start_repeats(WallTime now);
  [[nodiscard]] std::optional<MonotonicTime> stop_late_runs(MonotonicTime now);
  [[nodiscard]] After after(const End& end);
  template <class Rule>
  [[nodiscard]] bool step(Rule rule);
  [[nodiscard]] bool read_page();
  void adopt_marks();
  void begin(const RunMark& mark);
  [[nodiscard]] bool knows(const RunMark& mark) const;
  [[nodiscard]] Moment moment();
  bool failed(const Error& error);

  struct CallLane {
    Keeper* keeper;
    void operator()() const noexcept;
  };

  LaneTools& tools_;
  std::shared_ptr<const JobSpec> job_;
  JobPlan plan_;
  WallTime known_since_;
  std::string key_;
  bool dropped_ = false;
  bool closing_ = false;
  bool failing_ = false;  ///< The store did not answer the last time.

  std::shared_ptr<const Claim> claim_;
  std::optional<std::stop_callback<CallLane>> when_wanted_elsewhere_;
  std::optional<Page> page_;
  std::vector<std::shared_ptr<Going>> going_;
  std::vector<End> ends_;           ///< To be written.
  std::vector<RunMark> repeats_;    ///< Marked, and to be started at their `started`.
  std::vector<RunMark> unstarted_;  ///< Marked, but the claim was over.
};

}  // namespace nodepool::cron
