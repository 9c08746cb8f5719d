#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cron/job_record.hpp"
#include "nodepool/driver.hpp"

namespace nodepool::cron {

/// A job's record as it was last read or written.
struct Page {
  JobRecord record;
  std::uint64_t version = 0;
};

/// The ledger with records and entries in place of bytes. Belongs to one thread.
class Book {
 public:
  /// `ledger` may be null: then every call says `unsupported`.
  explicit Book(std::unique_ptr<Ledger> ledger) : ledger_(std::move(ledger)) {}

  [[nodiscard]] Result<Page> read(const std::string& job, MonotonicTime deadline);
  /// The page that is there now: the new one if its record is `record`, else what somebody else has written.
  struct Step {
    bool written = false;
    Page page;
  };
  [[nodiscard]] Result<Step> write(const std::string& job, std::uint64_t expected, const JobRecord& record,
                                   const std::vector<HistoryEntry>& entries, std::size_t keep,
                                   MonotonicTime deadline);
  [[nodiscard]] Result<std::vector<HistoryEntry>> history(const std::string& job, std::size_t most,
                                                          MonotonicTime deadline);
  [[nodiscard]] Result<std::vector<std::pair<std::string, Page>>> all(MonotonicTime deadline);

  /// For records of another kind. Null if the store keeps none.
  [[nodiscard]] Ledger* ledger() noexcept { return ledger_.get(); }

 private:
  std::unique_ptr<Ledger> ledger_;
};

/// One entry of the ledger for all that one step has to note: lines of JSON. Details are cut where they would
/// not fit.
[[nodiscard]] std::string joined(std::vector<HistoryEntry> entries);

}  // namespace nodepool::cron
