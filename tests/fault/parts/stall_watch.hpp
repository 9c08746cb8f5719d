#pragma once

#include <mutex>
#include <thread>
#include <vector>

#include "nodepool/types.hpp"

namespace nodepool::fault {

/// Notices when the machine itself stands still: a thread that wants to run every few milliseconds and notes
/// when it could not. A lease lost in such a moment says nothing about the pool. Thread-safe.
class StallWatch {
 public:
  StallWatch();
  /// Counts this time as one in which the machine stood still.
  void count(WallTime from, WallTime until);
  /// Whether the machine stood still for a quarter of a second or longer, between the two instants.
  [[nodiscard]] bool stalled(WallTime from, WallTime until) const;

 private:
  struct Stall {
    WallTime from;
    WallTime until;
  };
  void run(const std::stop_token& stop);

  mutable std::mutex mutex_;
  std::vector<Stall> stalls_;  ///< Guarded by mutex_.
  std::jthread thread_;
};

}  // namespace nodepool::fault
