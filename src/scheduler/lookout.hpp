#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "nodepool/job_set.hpp"
#include "scheduler/keeper.hpp"
#include "scheduler/lane.hpp"
#include "scheduler/roster.hpp"
#include "scheduler/works.hpp"

namespace nodepool::cron {

/// Finds out which jobs are this node's, whenever the pool, its members' lists or the own list have changed,
/// and which records others have written to. One thread.
///
/// A job is claimed under its own name, as long as that name's owner has the job. Otherwise it goes by turns:
/// the second name, the third, and so on, until the owner of one has it. All nodes that know the same lists
/// count alike. Where they do not, for the second that such news takes, two nodes may both believe to be
/// meant: then the book lets one of them start each instant.
class Lookout {
 public:
  struct Tell {
    std::function<void(std::vector<Ownership>)> owned;
    std::function<void(const std::string& job)> written;  ///< Empty: it may be any job.
  };
  Lookout(Works& works, std::unique_ptr<Ledger> ledger, std::chrono::milliseconds notice, Tell tell);
  ~Lookout();
  Lookout(const Lookout&) = delete;
  Lookout& operator=(const Lookout&) = delete;

  void start();
  /// The node's jobs from now on; `changed`: those whose keepers are new.
  void set_jobs(std::vector<std::string> jobs, const std::vector<std::string>& changed);
  void stop();

 private:
  void run(const std::stop_token& stop);
  void take_jobs();
  void read_roster();
  void enter();
  void load_lists();
  void find_keys();
  [[nodiscard]] bool all_have_ours() const;
  [[nodiscard]] bool has(const NodeInfo& member, const std::string& job);
  [[nodiscard]] std::string key_of(const std::string& job);
  void tell_owned();

  Works& works_;
  std::unique_ptr<Ledger> ledger_;
  RosterBook book_;
  const std::chrono::milliseconds notice_;
  const Tell tell_;

  std::mutex mutex_;
  std::stop_source interrupt_;                        ///< Guarded by mutex_, as what follows.
  std::optional<std::vector<std::string>> new_jobs_;  ///< Not yet taken by the thread.
  std::vector<std::string> renewed_;

  // The thread's own.
  JobSet jobs_;
  JobList list_;
  Roster roster_;
  Members members_;
  std::optional<std::uint64_t> seen_serial_;
  std::map<std::string, JobList> lists_;           ///< Of others, by digest.
  std::map<NodeId, MonotonicTime> unknown_since_;  ///< Members that have told of no list.
  std::vector<std::string> keys_;                  ///< Of each job; empty: another node's, or our own name.
  std::optional<std::vector<std::size_t>> ours_;   ///< As told, if jobs and keys are still the same.
  bool uniform_ = true;                            ///< Every job goes by its own name.
  std::unordered_map<std::string, std::string> owned_;  ///< As told: the key of each job that is ours.
  std::jthread thread_;                                 ///< Last: it uses all of it.
};

}  // namespace nodepool::cron
