#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "nodepool/types.hpp"
#include "parts/forked.hpp"

/// One node in a process of its own, which does what it is told and notes when that was done.

namespace nodepool::bench {

/// What an actor tells, in memory that both processes see.
struct Note {
  std::atomic<std::uint64_t> started{0};  ///< Number of the order that is being carried out.
  std::atomic<std::uint64_t> done{0};     ///< Number of the last order carried out.
  std::atomic<bool> good{true};           ///< Whether that succeeded.
  std::atomic<std::int64_t> begun_ns{0};  ///< Its beginning and end, on the boot-time clock.
  std::atomic<std::int64_t> ended_ns{0};
  // What the watch has seen: how often it asked for a job, how often the answer was no, and the longest time
  // in which it did not ask.
  std::atomic<std::uint64_t> asked{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::int64_t> longest_gap_ns{0};
};

struct Act {
  enum class Kind {
    start,    ///< Joins; done when `job` is eligible.
    join,     ///< Joins; done when steady.
    leave,    ///< Done when the good-bye is said.
    await,    ///< Done when `job` is eligible.
    claim,    ///< Takes `job`.
    release,  ///< Gives it back.
    watch     ///< From now on asks all the time for the jobs 0 to `jobs`-1 that are `name`'s with and without
              ///< the guest.
  };
  Kind kind = Kind::start;
  std::uint64_t number = 0;
  unsigned job = 0;
};

/// When an act began and ended.
struct Times {
  MonotonicTime begun;
  MonotonicTime ended;
};

class Actor {
 public:
  struct Settings {
    std::string store;
    std::chrono::milliseconds heartbeat{1000};
    std::chrono::milliseconds lease{4000};
    unsigned jobs = 200;
  };
  Actor(const Settings& settings, const std::string& name);
  ~Actor();
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  /// Starts an act, and returns once it has begun. REQUIRES: the one before is over.
  void begin(Act::Kind kind, unsigned job = 0);
  /// Waits for its end; none if it failed or takes longer than 30 s.
  [[nodiscard]] std::optional<Times> end();
  [[nodiscard]] std::optional<Times> act(Act::Kind kind, unsigned job = 0) {
    begin(kind, job);
    return end();
  }
  /// SIGKILL; when it was sent.
  MonotonicTime crash();
  [[nodiscard]] const Note& note() const noexcept { return *note_; }

 private:
  std::uint64_t number_ = 0;
  Note* note_;
  Forked process_;
};

/// The job's name.
[[nodiscard]] std::string job_name(unsigned job);

inline constexpr const char* kResidents[] = {"resident-a", "resident-b", "resident-c"};
inline constexpr const char* kGuest = "guest";

/// Who owns the job among the residents, and the guest if it is there.
[[nodiscard]] std::string owner_of(unsigned job, bool with_guest);

}  // namespace nodepool::bench
