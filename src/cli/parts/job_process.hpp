#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "cli/parts/job_guard.hpp"
#include "cli/parts/process_tree.hpp"
#include "driver/common/descriptor.hpp"

namespace nodepool::cli {

/// A command that is started again and again, never twice at once, with our standard streams, in a process
/// group of its own, behind a guardian (job_guard.hpp).
///
/// Life cycle: `make` before any thread is started, as it forks; the destructor kills what runs. Never waits,
/// but for the destructor: some seconds at most. Belongs to one thread. It reaps all children of this
/// process, also those that came to it as process 1.
class JobProcess {
 public:
  [[nodiscard]] static Result<JobProcess> make(const JobCommand& command);
  JobProcess(JobProcess&& other) noexcept;
  JobProcess& operator=(JobProcess&&) = delete;
  JobProcess(const JobProcess&) = delete;
  JobProcess& operator=(const JobProcess&) = delete;
  ~JobProcess();

  /// REQUIRES: no report is outstanding of a start before. `environment`: "KEY=value", at most 8 KiB in all.
  void start(const StopOrder& limit, const std::vector<std::string>& environment);
  void limit(const StopOrder& limit);
  /// To the command's whole group.
  void signal(int number);
  /// For a guardian that does not keep its limit in time: kills the command and its group, unless it has
  /// ended as far as the reports taken say.
  void kill_command() noexcept;
  /// For one that does not even report that: ends it, and what is left of the command. `lost` is reported.
  void give_up() noexcept;

  [[nodiscard]] std::vector<JobReport> take_reports();
  /// Reaps whoever has ended. To be called after each SIGCHLD.
  void reap();
  /// Readable when there is a report: for poll.
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

 private:
  JobProcess(driver::Descriptor socket, pid_t guardian, std::vector<ChildProcess> strangers);
  void clear_away();

  driver::Descriptor socket_;
  pid_t guardian_ = 0;  ///< 0 once it is reaped.
  pid_t command_ = 0;   ///< From `started` to `ended`: not reaped, so its number is nobody else's.
  /// Children that this process had from the beginning, as a program that a script has turned into.
  std::vector<ChildProcess> strangers_;
};

}  // namespace nodepool::cli
