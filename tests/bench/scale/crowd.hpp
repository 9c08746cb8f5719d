#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nodepool/pool.hpp"
#include "parts/forked.hpp"

/// Very many nodes of one pool, in a few processes.

namespace nodepool::bench {

/// What one node has told, in memory that all processes share. Written by the node's process alone.
struct Told {
  std::atomic<std::uint64_t> standing{0};  ///< Epoch and state in one, so that they are read together.
  std::atomic<std::int64_t> since_ns{0};   ///< When that was told, on the boot-time clock.
  std::atomic<std::uint32_t> leases_lost{0};
  std::atomic<std::uint32_t> troubles{0};  ///< Warnings of its log: failed syncs and the like.
};

struct Standings {
  NodeState state = NodeState::stopped;
  Epoch epoch;
  MonotonicTime since;
};

struct Range {
  std::size_t first = 0;
  std::size_t count = 0;
};

/// All nodes steady in one view.
struct Calm {
  Epoch epoch;
  MonotonicTime at;  ///< When the last of them was.
};

/// Nodes 0 to n-1, spread over processes by `ranges`: a process for each. Belongs to one thread.
class Crowd {
 public:
  struct Settings {
    std::string store;
    std::chrono::milliseconds heartbeat{1000};
    std::chrono::milliseconds lease{4000};
  };
  Crowd(Settings settings, const std::vector<Range>& ranges);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  void start(Range nodes);
  void stop(Range nodes);
  /// SIGKILL of a whole process.
  void kill(std::size_t process);

  [[nodiscard]] Standings of(std::size_t node) const;
  /// Waits until all these nodes are steady in one view newer than `after`; none if they are not in time.
  [[nodiscard]] std::optional<Calm> await_calm(const std::vector<Range>& nodes, Epoch after,
                                               std::chrono::milliseconds patience) const;
  [[nodiscard]] std::size_t count_steady(const std::vector<Range>& nodes) const;
  [[nodiscard]] std::uint32_t leases_lost() const;
  [[nodiscard]] std::uint32_t troubles() const;
  /// Of all the processes, those that were killed included.
  [[nodiscard]] std::chrono::nanoseconds cpu() const;

 private:
  [[nodiscard]] std::optional<Calm> calm_now(const std::vector<Range>& nodes, Epoch after) const;
  template <class Visit>
  void for_each_part(Range nodes, Visit visit);

  Settings settings_;
  std::vector<Range> ranges_;
  std::size_t size_ = 0;
  Told* told_ = nullptr;
  std::vector<Forked> processes_;
  std::chrono::nanoseconds cpu_of_killed_{0};
};

}  // namespace nodepool::bench
