#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nodepool/result.hpp"
#include "nodepool/schedule.hpp"
#include "nodepool/types.hpp"

namespace nodepool::cron {

/// What becomes of instants at which nobody could start the job: a hand-over, an outage, a night without
/// machines.
enum class Missed {
  skip,  ///< They are noted and not run.
  once,  ///< One run stands for all of them, under the newest of them.
  all    ///< Each is run, in order, but never more than `JobPolicy::most_catch_up`: the newest.
};

/// What becomes of an instant that comes while a run of the same job is still going on.
enum class Overlap {
  forbid,  ///< It is noted and not run.
  queue,   ///< One waits for the end of the run; further ones are noted and not run.
  allow    ///< It is run beside the other, unless `kMostRuns` are going on or waiting.
};

/// Runs of one job that go on or wait at once: its record in the store stays small.
inline constexpr std::size_t kMostRuns = 32;

/// How a job is run. The same everywhere: it is part of what the nodes of a fleet are given, not of the
/// store.
struct JobPolicy {
  Missed missed = Missed::once;
  Overlap overlap = Overlap::forbid;
  /// A start that is later than this is a missed one; 100 ms to 1 min. Wider than hand-overs and clocks
  /// differ.
  std::chrono::milliseconds on_time{2000};
  /// No run starts later than this after its instant, whatever `missed` says; 0: no limit.
  std::chrono::milliseconds deadline{0};
  /// A run that takes longer is told to stop, and counts as failed; 0: no limit.
  std::chrono::milliseconds timeout{0};
  unsigned retries = 0;  ///< How often a run that failed is repeated; at most 100.
  /// Before the first repetition; doubled for each further one, at most an hour.
  std::chrono::milliseconds retry_delay{1000};
  /// Starts are spread over this time: by how much one is late is fixed by the job and the instant.
  std::chrono::milliseconds jitter{0};
  unsigned most_catch_up = 10;  ///< Of `Missed::all`; 1 to 100.
  unsigned history = 20;        ///< Entries that the store keeps of the job; 1 to 1,000.
};

/// Checks a policy; the error names all faults.
[[nodiscard]] NODEPOOL_EXPORT Result<void> validate(const JobPolicy& policy);

/// How a run ended, or why there was none.
enum class Outcome {
  succeeded,
  failed,     ///< It said so, threw, or its command ended with another code than 0.
  timed_out,  ///< It was told to stop after `JobPolicy::timeout`.
  stopped,    ///< It was told to stop because its node left or lost its lease.
  lost,       ///< Its node ended without a word; how far it came is not known.
  missed,     ///< Never started: too late (`missed`, `deadline`).
  overlapped  ///< Never started: the run before was still going on.
};
[[nodiscard]] NODEPOOL_EXPORT std::string_view to_string(Outcome outcome) noexcept;

/// What is remembered of a run, or of instants without one.
struct HistoryEntry {
  WallTime scheduled;       ///< The instant; of several the last.
  std::uint64_t count = 1;  ///< How many instants this stands for, up to and including `scheduled`.
  Outcome outcome = Outcome::succeeded;
  std::optional<WallTime> started;
  std::optional<WallTime> ended;
  unsigned attempt = 1;
  FencingToken token;
  std::string node;
  std::string detail;  ///< An error, or the end of the output; at most `kMaxDetail` bytes.
  bool operator==(const HistoryEntry&) const = default;
};
inline constexpr std::size_t kMaxDetail = 4096;

/// One line of JSON, as the store keeps it and `parse_history_entry` reads it.
[[nodiscard]] NODEPOOL_EXPORT std::string to_json(const HistoryEntry& entry);
/// `store_corrupt` if the text is anything else.
[[nodiscard]] NODEPOOL_EXPORT Result<HistoryEntry> parse_history_entry(std::string_view text);

}  // namespace nodepool::cron
