#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "cli/cron_settings.hpp"
#include "cli/parts/file_watch.hpp"
#include "cli/parts/guarded_command.hpp"
#include "cli/parts/signal_inbox.hpp"
#include "driver/common/descriptor.hpp"
#include "nodepool/cron.hpp"
#include "nodepool/pool.hpp"

namespace nodepool::cli {

/// `nodepool cron FILE`: a node whose scheduler runs the entries of the file as commands.
///
/// The caller's thread follows signals, the file and the pool. Commands run behind guardians, so they are
/// stopped in time even if this process is frozen.
class CronDaemon {
 public:
  /// `signals` and `nursery` must have been made before the driver, and before any thread.
  CronDaemon(CronSettings settings, const std::shared_ptr<Driver>& driver, SignalInbox& signals,
             Nursery& nursery);

  /// Returns the exit code once the node has left.
  [[nodiscard]] int run(const CronFile& file);

 private:
  using Fields = std::vector<std::pair<std::string_view, std::string>>;

  void begin_start();
  [[nodiscard]] std::optional<Result<void>> take_start();
  void take_signals();
  void reload(std::string_view why);
  void wait();
  [[nodiscard]] int leave(int code);
  [[nodiscard]] cron::JobSpec job_of(const CronEntry& entry);
  void run_command(const CronEntry& entry, cron::JobRun& run);
  [[nodiscard]] GuardedCommand command_of(const CronEntry& entry, const cron::JobRun& run) const;
  void tell(const std::string& job, const cron::HistoryEntry& entry) const;
  void log(std::string_view event, Fields fields = {}, LogLevel level = LogLevel::info) const;
  [[nodiscard]] cron::SchedulerOptions scheduler_options() const;

  const CronSettings settings_;
  SignalInbox& signals_;
  Nursery& nursery_;
  driver::Descriptor wake_;  ///< An eventfd: the start has ended.
  FileWatch watch_;
  bool leaving_ = false;
  std::stop_source hurry_;  ///< Commands are to stop at once.

  std::mutex mutex_;
  std::optional<Result<void>> start_;  ///< How it ended; guarded by mutex_.
  std::shared_ptr<NodePool> pool_;
  cron::Scheduler scheduler_;
  std::jthread life_;  ///< Last: it uses all of it.
};

}  // namespace nodepool::cli
