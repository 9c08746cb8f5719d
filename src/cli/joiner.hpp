#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/parts/events.hpp"
#include "cli/parts/job_watch.hpp"
#include "cli/parts/signals.hpp"
#include "cli/pool_arguments.hpp"
#include "nodepool/pool.hpp"

namespace nodepool::cli {

struct JoinSettings {
  PoolArguments pool;
  std::vector<std::string> jobs;
  Format format = Format::text;
};

/// A node that runs until it is told to stop, and tells on stdout what it may run.
///
/// Three threads: the caller's checks all decisions every millisecond and is the only one that prints; one
/// lives the node's life (start, wait, stop), so that decisions are also checked while it starts and drains;
/// the pool's own thread puts its events in a queue.
class Joiner {
 public:
  /// `signals` must have been made before the driver: threads inherit the blocked signals.
  Joiner(JoinSettings settings, std::shared_ptr<Driver> driver, SignalWatch& signals);

  /// Returns the exit code once the node has left.
  [[nodiscard]] int run();

 private:
  void live();
  void check_all();
  void print(const Event& event);
  void print_queued();
  void rest();
  void enqueue(const Event& event);
  [[nodiscard]] Teller teller() const;
  [[nodiscard]] PoolOptions with_listeners(PoolOptions options);
  [[nodiscard]] int farewell();

  const JoinSettings settings_;
  SignalWatch& signals_;
  JobWatch watch_;
  Teller teller_;  ///< Of the events of the present round.
  std::optional<MonotonicTime> last_round_;
  ChecksEvent checks_;
  bool output_gone_ = false;

  std::mutex mutex_;
  std::vector<Event> queue_;          ///< Guarded by mutex_.
  std::optional<Error> start_error_;  ///< Written by the life's thread before `over_`.
  std::atomic<bool> over_{false};     ///< The life has ended.
  NodePool pool_;                     ///< Last: its thread uses what is above.
};

}  // namespace nodepool::cli
