#include "driver/memory/memory_ledger.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "core/ledger_rules.hpp"

namespace nodepool::memory {

class Ledgers {
 public:
  LedgerRecord read(const ServiceName& service, std::string_view job) {
    const std::lock_guard lock(mutex_);
    return record_of(services_[service], job);
  }

  LedgerWrite write(const ServiceName& service, const LedgerUpdate& update) {
    const std::lock_guard lock(mutex_);
    Book& book = services_[service];
    LedgerRecord present = record_of(book, update.job);
    if (present.version != update.expected) return {.written = false, .record = std::move(present)};
    Page& page = book.pages[update.job];
    const std::uint64_t last = page.version != 0 ? page.version : book.erased;
    page.version = next_version(last, std::chrono::system_clock::now());
    page.value = update.value;
    if (!update.entry.empty()) {
      page.history.push_front(update.entry);
      page.history.resize(std::min(page.history.size(), update.keep));
    }
    return {.written = true, .record = {update.job, page.version, update.value}};
  }

  std::vector<std::string> history(const ServiceName& service, std::string_view job, std::size_t most) {
    const std::lock_guard lock(mutex_);
    const Book& book = services_[service];
    const auto page = book.pages.find(job);
    if (page == book.pages.end()) return {};
    const auto& entries = page->second.history;
    const auto count = static_cast<std::ptrdiff_t>(std::min(most, entries.size()));
    return {entries.begin(), entries.begin() + count};
  }

  std::vector<LedgerRecord> all(const ServiceName& service) {
    const std::lock_guard lock(mutex_);
    std::vector<LedgerRecord> records;
    for (const auto& [job, page] : services_[service].pages) {
      records.push_back({job, page.version, page.value});
    }
    return records;
  }

  bool erase(const ServiceName& service, std::string_view job, std::uint64_t expected) {
    const std::lock_guard lock(mutex_);
    Book& book = services_[service];
    const auto page = book.pages.find(job);
    if (page == book.pages.end() || page->second.version != expected) return false;
    book.erased = std::max(book.erased, expected);
    book.pages.erase(page);
    return true;
  }

 private:
  struct Page {
    std::uint64_t version = 0;
    std::string value;
    std::deque<std::string> history;  ///< Newest first.
  };
  struct Book {
    std::map<std::string, Page, std::less<>> pages;
    std::uint64_t erased = 0;  ///< The greatest version that was.
  };

  static LedgerRecord record_of(const Book& book, std::string_view job) {
    const auto page = book.pages.find(job);
    if (page == book.pages.end()) return {.job = std::string(job)};
    return {page->first, page->second.version, page->second.value};
  }

  std::mutex mutex_;
  std::map<ServiceName, Book> services_;  ///< Guarded by mutex_.
};

namespace {

class MemoryLedger final : public Ledger {
 public:
  MemoryLedger(std::shared_ptr<Ledgers> ledgers, ServiceName service)
      : ledgers_(std::move(ledgers)), service_(std::move(service)) {}

  Result<LedgerRecord> read(std::string_view job, MonotonicTime /*deadline*/) override {
    return validate_record(service_, job).map([&] { return ledgers_->read(service_, job); });
  }
  Result<LedgerWrite> write(const LedgerUpdate& update, MonotonicTime /*deadline*/) override {
    return validate_update(service_, update).map([&] { return ledgers_->write(service_, update); });
  }
  Result<std::vector<std::string>> history(std::string_view job, std::size_t most,
                                           MonotonicTime /*deadline*/) override {
    return validate_record(service_, job).map([&] { return ledgers_->history(service_, job, most); });
  }
  Result<std::vector<LedgerRecord>> all(MonotonicTime /*deadline*/) override {
    return validate(service_).map([&] { return ledgers_->all(service_); });
  }
  Result<bool> erase(std::string_view job, std::uint64_t expected, MonotonicTime /*deadline*/) override {
    return validate_record(service_, job).map([&] { return ledgers_->erase(service_, job, expected); });
  }

 private:
  const std::shared_ptr<Ledgers> ledgers_;
  const ServiceName service_;
};

}  // namespace

std::shared_ptr<Ledgers> make_ledgers() {
  return std::make_shared<Ledgers>();
}

std::unique_ptr<Ledger> open_ledger(std::shared_ptr<Ledgers> ledgers, const ServiceName& service) {
  return std::make_unique<MemoryLedger>(std::move(ledgers), service);
}

}  // namespace nodepool::memory
