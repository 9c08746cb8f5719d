#include "driver/sqlite/ledger_table.hpp"

#include <utility>

#include "core/ledger_rules.hpp"

namespace nodepool::sqlite {
namespace {

/// Entries are numbered by the version that they came with.
constexpr const char* kLedgerSchema =
    "CREATE TABLE IF NOT EXISTS ledger (service TEXT NOT NULL, job TEXT NOT NULL, version INTEGER NOT NULL, "
    "value BLOB NOT NULL, PRIMARY KEY (service, job));"
    "CREATE TABLE IF NOT EXISTS ledger_entries (service TEXT NOT NULL, job TEXT NOT NULL, "
    "version INTEGER NOT NULL, entry BLOB NOT NULL, PRIMARY KEY (service, job, version))";

Statement prepare_for(Connection& connection, std::string_view sql, const ServiceName& service,
                      std::string_view job) {
  Statement statement = connection.prepare(sql);
  statement.bind(1, service.str());
  statement.bind(2, job);
  return statement;
}

Result<void> finish(Connection& connection, Statement& statement) {
  const int code = statement.step();
  if (code != SQLITE_DONE) return tl::unexpected(connection.error(code));
  return {};
}

}  // namespace

Result<void> make_ledger_tables(Connection& connection) {
  return connection.run(kLedgerSchema);
}

Result<LedgerRecord> load_record(Connection& connection, const ServiceName& service, std::string_view job) {
  Statement select = prepare_for(
      connection, "SELECT version, value FROM ledger WHERE service = ?1 AND job = ?2", service, job);
  const int code = select.step();
  LedgerRecord record{.job = std::string(job)};
  if (code == SQLITE_DONE) return record;
  if (code != SQLITE_ROW) return tl::unexpected(connection.error(code));
  record.version = static_cast<std::uint64_t>(select.number(0));
  record.value = select.bytes(1);
  return record;
}

Result<void> save_record(Connection& connection, const ServiceName& service, const LedgerRecord& record) {
  Statement replace = prepare_for(
      connection, "INSERT OR REPLACE INTO ledger (service, job, version, value) VALUES (?1, ?2, ?3, ?4)",
      service, record.job);
  replace.bind(3, static_cast<std::int64_t>(record.version));
  replace.bind_bytes(4, record.value);
  return finish(connection, replace);
}

Result<void> delete_record(Connection& connection, const ServiceName& service, std::string_view job) {
  Statement records =
      prepare_for(connection, "DELETE FROM ledger WHERE service = ?1 AND job = ?2", service, job);
  if (auto deleted = finish(connection, records); !deleted) return deleted;
  Statement entries =
      prepare_for(connection, "DELETE FROM ledger_entries WHERE service = ?1 AND job = ?2", service, job);
  return finish(connection, entries);
}

Result<std::vector<LedgerRecord>> load_records(Connection& connection, const ServiceName& service) {
  Statement select = prepare_for(
      connection, "SELECT job, version, value FROM ledger WHERE service = ?1 AND job != ?2 ORDER BY job",
      service, kErasedVersions);
  std::vector<LedgerRecord> records;
  int code = select.step();
  for (; code == SQLITE_ROW; code = select.step()) {
    records.push_back({select.text(0), static_cast<std::uint64_t>(select.number(1)), select.bytes(2)});
  }
  if (code != SQLITE_DONE) return tl::unexpected(connection.error(code));
  return records;
}

Result<void> add_entry(Connection& connection, const ServiceName& service, const LedgerUpdate& update,
                       std::uint64_t version) {
  Statement insert = prepare_for(
      connection, "INSERT INTO ledger_entries (service, job, version, entry) VALUES (?1, ?2, ?3, ?4)",
      service, update.job);
  insert.bind(3, static_cast<std::int64_t>(version));
  insert.bind_bytes(4, update.entry);
  if (auto inserted = finish(connection, insert); !inserted) return inserted;
  Statement trim = prepare_for(connection,
                               "DELETE FROM ledger_entries WHERE service = ?1 AND job = ?2 AND version <= "
                               "(SELECT version FROM ledger_entries WHERE service = ?1 AND job = ?2 "
                               "ORDER BY version DESC LIMIT 1 OFFSET ?3)",
                               service, update.job);
  trim.bind(3, static_cast<std::int64_t>(update.keep));
  return finish(connection, trim);
}

Result<std::vector<std::string>> load_entries(Connection& connection, const ServiceName& service,
                                              std::string_view job, std::size_t most) {
  Statement select = prepare_for(connection,
                                 "SELECT entry FROM ledger_entries WHERE service = ?1 AND job = ?2 "
                                 "ORDER BY version DESC LIMIT ?3",
                                 service, job);
  select.bind(3, static_cast<std::int64_t>(most));
  std::vector<std::string> entries;
  int code = select.step();
  for (; code == SQLITE_ROW; code = select.step()) entries.push_back(select.bytes(0));
  if (code != SQLITE_DONE) return tl::unexpected(connection.error(code));
  return entries;
}

}  // namespace nodepool::sqlite
