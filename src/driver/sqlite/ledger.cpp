#include "driver/sqlite/ledger.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "core/ledger_rules.hpp"
#include "driver/sqlite/ledger_table.hpp"

namespace nodepool::sqlite {

Result<Connection*> SqliteLedger::attach(bool create, MonotonicTime deadline) {
  const auto location = locate(store_.path());
  if (!location) return tl::unexpected(location.error());
  const auto attachment = store_.attach(*location, create, deadline);
  if (!attachment) return tl::unexpected(attachment.error());
  if (*attachment == StoreFile::Attachment::none) return nullptr;
  Connection& connection = store_.connection();
  // Also on a connection of before: making them may have failed then.
  if (auto made = make_ledger_tables(connection); !made) return tl::unexpected(std::move(made.error()));
  if (auto log = store_.check_log(); !log) return tl::unexpected(std::move(log.error()));
  return &connection;
}

Result<void> SqliteLedger::make_sure() {
  if (auto log = store_.check_log(); !log) return log;
  if (auto flushed = store_.flush_log(); !flushed) return flushed;
  if (store_.in_place()) return {};
  return failure(
      ErrorCode::outcome_unknown,
      fmt::format("the store '{}' was replaced while it was written to; try again", store_.path()));
}

Result<LedgerRecord> SqliteLedger::read(std::string_view job, MonotonicTime deadline) {
  if (auto valid = validate_record(service_, job); !valid) return tl::unexpected(std::move(valid.error()));
  const auto connection = attach(false, deadline);
  if (!connection) return tl::unexpected(connection.error());
  if (*connection == nullptr) return LedgerRecord{.job = std::string(job)};
  return load_record(**connection, service_, job);
}

Result<LedgerWrite> SqliteLedger::write_here(Connection& connection, const LedgerUpdate& update) {
  Transaction transaction(connection);
  if (auto begun = transaction.begin(); !begun) return tl::unexpected(std::move(begun.error()));
  auto present = load_record(connection, service_, update.job);
  if (!present) return tl::unexpected(std::move(present.error()));
  if (present->version != update.expected)
    return LedgerWrite{.written = false, .record = std::move(*present)};
  std::uint64_t last = present->version;
  if (last == 0) {
    const auto erased = load_record(connection, service_, kErasedVersions);
    if (!erased) return tl::unexpected(erased.error());
    last = erased->version;
  }
  LedgerWrite done{.written = true,
                   .record = {.job = update.job,
                              .version = next_version(last, std::chrono::system_clock::now()),
                              .value = update.value}};
  auto saved = save_record(connection, service_, done.record);
  if (saved && !update.entry.empty()) saved = add_entry(connection, service_, update, done.record.version);
  if (saved) saved = transaction.commit();
  if (!saved) return tl::unexpected(std::move(saved.error()));
  return done;
}

Result<LedgerWrite> SqliteLedger::write(const LedgerUpdate& update, MonotonicTime deadline) {
  if (auto valid = validate_update(service_, update); !valid) return tl::unexpected(std::move(valid.error()));
  const auto connection = attach(true, deadline);
  if (!connection) return tl::unexpected(connection.error());
  auto done = write_here(**connection, update);
  if (!done || !done->written) return done;
  if (auto sure = make_sure(); !sure) return tl::unexpected(std::move(sure.error()));
  return done;
}

Result<std::vector<std::string>> SqliteLedger::history(std::string_view job, std::size_t most,
                                                       MonotonicTime deadline) {
  if (auto valid = validate_record(service_, job); !valid) return tl::unexpected(std::move(valid.error()));
  const auto connection = attach(false, deadline);
  if (!connection) return tl::unexpected(connection.error());
  if (*connection == nullptr) return std::vector<std::string>{};
  return load_entries(**connection, service_, job, std::min(most, kMaxLedgerHistory));
}

Result<std::vector<LedgerRecord>> SqliteLedger::all(MonotonicTime deadline) {
  if (auto valid = validate(service_); !valid) return tl::unexpected(std::move(valid.error()));
  const auto connection = attach(false, deadline);
  if (!connection) return tl::unexpected(connection.error());
  if (*connection == nullptr) return std::vector<LedgerRecord>{};
  return load_records(**connection, service_);
}

Result<bool> SqliteLedger::erase_here(Connection& connection, std::string_view job, std::uint64_t expected) {
  Transaction transaction(connection);
  if (auto begun = transaction.begin(); !begun) return tl::unexpected(std::move(begun.error()));
  const auto present = load_record(connection, service_, job);
  if (!present) return tl::unexpected(present.error());
  if (present->version == 0 || present->version != expected) return false;
  auto erased = load_record(connection, service_, kErasedVersions);
  if (!erased) return tl::unexpected(std::move(erased.error()));
  erased->version = std::max(erased->version, expected);
  auto saved = save_record(connection, service_, *erased);
  if (saved) saved = delete_record(connection, service_, job);
  if (saved) saved = transaction.commit();
  if (!saved) return tl::unexpected(std::move(saved.error()));
  return true;
}

Result<bool> SqliteLedger::erase(std::string_view job, std::uint64_t expected, MonotonicTime deadline) {
  if (auto valid = validate_record(service_, job); !valid) return tl::unexpected(std::move(valid.error()));
  const auto connection = attach(false, deadline);
  if (!connection) return tl::unexpected(connection.error());
  if (*connection == nullptr) return false;
  auto done = erase_here(**connection, job, expected);
  if (!done || !*done) return done;
  if (auto sure = make_sure(); !sure) return tl::unexpected(std::move(sure.error()));
  return true;
}

}  // namespace nodepool::sqlite
