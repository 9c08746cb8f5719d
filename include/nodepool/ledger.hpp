#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/result.hpp"
#include "nodepool/types.hpp"

namespace nodepool {

/// Longest texts that a ledger takes, in bytes, and the most entries of a history.
inline constexpr std::size_t kMaxLedgerValue = std::size_t{16} << 10U;
inline constexpr std::size_t kMaxLedgerEntry = std::size_t{8} << 10U;
inline constexpr std::size_t kMaxLedgerHistory = 1000;

/// What the store keeps of one job: any bytes, which only their writer understands, under a version.
struct LedgerRecord {
  std::string job;
  std::uint64_t version = 0;  ///< 0: there is no record.
  std::string value;          ///< Empty if there is no record.
  bool operator==(const LedgerRecord&) const = default;
};

/// One step of a job's record.
struct LedgerUpdate {
  std::string job;             ///< As `validate_job_name` takes it.
  std::uint64_t expected = 0;  ///< The version that must be there; 0: no record.
  std::string value;           ///< The new value: any bytes, at most kMaxLedgerValue.
  /// Goes to the front of the job's history, unless it is empty: any bytes, at most kMaxLedgerEntry.
  std::string entry = {};
  /// So many of the newest entries stay when one is added, at most kMaxLedgerHistory; with 0 none does.
  std::size_t keep = 100;
};

/// What came of a step.
struct LedgerWrite {
  bool written = false;
  LedgerRecord record;  ///< The one that is there now: the new one if `written`.
};

/// `invalid_argument` with the first fault if the update's texts or numbers are beyond the limits.
[[nodiscard]] NODEPOOL_EXPORT Result<void> validate(const LedgerUpdate& update);

/// A line to what the store keeps of a service's jobs beside the pool: for each job one record, which is
/// changed by compare-and-set, and a history of a bounded number of entries. It is made for what must happen
/// at most once in a whole fleet: of all who expect the same version, one writes.
///
/// A version is given out once: a job's next one is greater than all before it, also after `erase`, and after
/// a loss of all data as long as the store's civil clock was not put back (versions begin at its microseconds
/// since 1970). So who expects a version of before is refused, whatever has happened since.
///
/// What a replicating store has not replicated, a failover can undo: docs/protocol.md, "The ledger".
/// Independent of leases: whoever may write decides by other means, for instance a claim. Belongs to one
/// thread at a time; any number of them may be open.
///
/// Errors of all calls: `unavailable` (nothing was done; try again), `invalid_argument` (beyond a limit),
/// `permission_denied`, `store_corrupt`, `unsupported`; of `write` and `erase` also `outcome_unknown`: it may
/// be done, or not, or still on its way. `read` then shows whether it was, if the writer knows its own value
/// again; whether it will be only another `write` decides. Each call returns by its deadline, a little later
/// at worst.
///
///     auto record = ledger->read("report", deadline);
///     LedgerUpdate update{.job = "report", .expected = record->version, .value = "2031-03-01T06:00:00Z"};
///     auto step = ledger->write(update, deadline);
///     if (step && step->written) run_report();
class Ledger {
 public:
  virtual ~Ledger() = default;

  /// The job's record; version 0 if there is none.
  [[nodiscard]] virtual Result<LedgerRecord> read(std::string_view job, MonotonicTime deadline) = 0;

  /// Writes the value, and adds the entry to the history, if the record still has the version that is
  /// expected: one atomic step. Otherwise changes nothing, and returns the record that is there.
  [[nodiscard]] virtual Result<LedgerWrite> write(const LedgerUpdate& update, MonotonicTime deadline) = 0;

  /// The job's entries, newest first, at most `most`.
  [[nodiscard]] virtual Result<std::vector<std::string>> history(std::string_view job, std::size_t most,
                                                                 MonotonicTime deadline) = 0;

  /// Every record of the service, ascending bytewise by job. Complete: each job that has a record during the
  /// whole call is there, with a record that it had during the call. Not necessarily all of one instant.
  [[nodiscard]] virtual Result<std::vector<LedgerRecord>> all(MonotonicTime deadline) = 0;

  /// Removes the record and the history, if the record still has that version; true if it did. Version 0, no
  /// record, is nothing to remove: false.
  [[nodiscard]] virtual Result<bool> erase(std::string_view job, std::uint64_t expected,
                                           MonotonicTime deadline) = 0;
};

}  // namespace nodepool
