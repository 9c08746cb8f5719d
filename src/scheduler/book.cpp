#include "scheduler/book.hpp"

#include <algorithm>
#include <string_view>

#include "nodepool/cron.hpp"

namespace nodepool::cron {
namespace {

tl::unexpected<Error> no_ledger() {
  return failure(
      ErrorCode::unsupported,
      "this kind of store keeps no ledger, so jobs cannot be scheduled on it; use Redis, SQLite or "
      "the memory store");
}

Result<Page> page_of(const LedgerRecord& record) {
  auto read = parse_job_record(record.value);
  if (read) return Page{*std::move(read), record.version};
  read.error().message += " (job " + record.job + ")";
  return tl::unexpected(std::move(read.error()));
}

}  // namespace

Result<Page> Book::read(const std::string& job, MonotonicTime deadline) {
  if (!ledger_) return no_ledger();
  const auto record = ledger_->read(job, deadline);
  if (!record) return tl::unexpected(record.error());
  return page_of(*record);
}

Result<Book::Step> Book::write(const std::string& job, std::uint64_t expected, const JobRecord& record,
                               const std::vector<HistoryEntry>& entries, std::size_t keep,
                               MonotonicTime deadline) {
  if (!ledger_) return no_ledger();
  LedgerUpdate update{.job = job, .expected = expected, .value = to_json(record)};
  update.entry = joined(entries);
  update.keep = keep;
  const auto step = ledger_->write(update, deadline);
  if (!step) return tl::unexpected(step.error());
  if (step->written) return Step{true, {record, step->record.version}};
  auto page = page_of(step->record);
  if (!page) return tl::unexpected(std::move(page.error()));
  return Step{false, *std::move(page)};
}

Result<std::vector<HistoryEntry>> Book::history(const std::string& job, std::size_t most,
                                                MonotonicTime deadline) {
  if (!ledger_) return no_ledger();
  const auto steps = ledger_->history(job, most, deadline);
  if (!steps) return tl::unexpected(steps.error());
  std::vector<HistoryEntry> entries;
  for (std::string_view lines : *steps) {
    // Within a step the last line is the newest.
    while (!lines.empty() && entries.size() < most) {
      const std::size_t start = lines.rfind('\n') + 1;  // 0 if there is none
      auto entry = parse_history_entry(lines.substr(start));
      if (!entry) return tl::unexpected(std::move(entry.error()));
      entries.push_back(*std::move(entry));
      lines = lines.substr(0, start == 0 ? 0 : start - 1);
    }
  }
  return entries;
}

Result<std::vector<std::pair<std::string, Page>>> Book::all(MonotonicTime deadline) {
  if (!ledger_) return no_ledger();
  const auto records = ledger_->all(deadline);
  if (!records) return tl::unexpected(records.error());
  std::vector<std::pair<std::string, Page>> pages;
  for (const LedgerRecord& record : *records) {
    if (record.job.starts_with(kReservedPrefix)) continue;
    auto page = page_of(record);
    if (!page) return tl::unexpected(std::move(page.error()));
    pages.emplace_back(record.job, *std::move(page));
  }
  return pages;
}

std::string joined(std::vector<HistoryEntry> entries) {
  std::size_t most = kMaxDetail;
  while (true) {
    std::string text;
    for (const HistoryEntry& entry : entries) text += (text.empty() ? "" : "\n") + to_json(entry);
    if (text.size() <= kMaxLedgerEntry) return text;
    // Without details the entries of one step may still be too many: then the oldest are not told one by one.
    if (most == 0) entries.erase(entries.begin());
    most /= 2;
    for (HistoryEntry& entry : entries) {
      if (entry.detail.size() > most) entry.detail.erase(0, entry.detail.size() - most);
    }
  }
}

}  // namespace nodepool::cron
