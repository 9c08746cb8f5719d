#pragma once

#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "scheduler/keeper.hpp"

namespace nodepool::cron {

/// Which jobs are to be looked at, and when. O(log jobs) for each change.
template <class Time>
class Agenda {
 public:
  /// None: not at all.
  void set(Keeper* job, std::optional<Time> when) {
    if (const auto known = times_.find(job); known != times_.end()) {
      order_.erase({known->second, job});
      times_.erase(known);
    }
    if (!when) return;
    times_.emplace(job, *when);
    order_.emplace(*when, job);
  }
  [[nodiscard]] std::optional<Time> first() const {
    if (order_.empty()) return std::nullopt;
    return order_.begin()->first;
  }
  /// The first job, if its time has come.
  [[nodiscard]] Keeper* due(Time now) const {
    return order_.empty() || order_.begin()->first > now ? nullptr : order_.begin()->second;
  }

 private:
  std::set<std::pair<Time, Keeper*>> order_;
  std::unordered_map<Keeper*, Time> times_;
};

/// Which job is this node's, and under which name in the pool; without a name it is not.
struct Ownership {
  std::string job;
  std::string key;
};

/// A share of a node's jobs, with a thread and a line to the store of their own: nothing of a job needs a
/// lock. Members may be called by any thread; what they ask for is done in the order of the calls.
class Lane {
 public:
  Lane(Works& works, Crew& crew, std::unique_ptr<Ledger> ledger);
  /// As `close` without patience.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  void start();
  void put(std::shared_ptr<const JobSpec> job);
  void drop(const std::string& job);
  void own(std::vector<Ownership> changes);
  /// Somebody has written in the job's record.
  void reread(const std::string& job);
  /// Waits for the steps under way. REQUIRES: started, or nobody waits.
  [[nodiscard]] std::vector<JobStatus> list();

  /// Starts nothing more. The thread ends once nothing runs and every end is written down.
  void close();
  /// True once it has ended.
  [[nodiscard]] bool wait_closed(MonotonicTime deadline);
  /// Tells the runs to stop; ends that cannot be written soon are given up.
  void hurry();
  void join();

 private:
  using Letter = std::function<void()>;

  void post(Letter letter);
  [[nodiscard]] std::vector<JobStatus> all() const;
  void run();
  void read_letters();
  void look_at_due();
  void look(Keeper& job);
  void wait();
  [[nodiscard]] bool is_over() const;

  Works& works_;
  Book book_;
  Members members_;
  LaneTools tools_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Letter> letters_;                                   ///< Guarded by mutex_, as what follows.
  std::vector<std::promise<std::vector<JobStatus>>*> questions_;  ///< Who waits for `list`.
  bool started_ = false;
  bool ended_ = false;

  // The thread's own.
  std::map<std::string, std::unique_ptr<Keeper>> jobs_;
  Agenda<WallTime> by_schedule_;
  Agenda<MonotonicTime> again_;
  bool closing_ = false;
  std::optional<MonotonicTime> patience_;  ///< Until then ends are tried to be written.

  std::jthread thread_;  ///< Last: it uses all of it.
};

}  // namespace nodepool::cron
