#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "driver/sqlite/connection.hpp"
#include "nodepool/ledger.hpp"

/// The tables of the ledger, beside that of the pools. Files of nodepools that knew no ledger have none.

namespace nodepool::sqlite {

/// Makes the tables if they are not there; otherwise only looks.
Result<void> make_ledger_tables(Connection& connection);

/// Version 0 if there is no record.
Result<LedgerRecord> load_record(Connection& connection, const ServiceName& service, std::string_view job);
Result<void> save_record(Connection& connection, const ServiceName& service, const LedgerRecord& record);
/// With its history.
Result<void> delete_record(Connection& connection, const ServiceName& service, std::string_view job);
/// All but the one of the erased versions, ascending.
Result<std::vector<LedgerRecord>> load_records(Connection& connection, const ServiceName& service);

/// Adds the entry that came with a version, and removes all but the newest `keep`.
Result<void> add_entry(Connection& connection, const ServiceName& service, const LedgerUpdate& update,
                       std::uint64_t version);
/// Newest first.
Result<std::vector<std::string>> load_entries(Connection& connection, const ServiceName& service,
                                              std::string_view job, std::size_t most);

}  // namespace nodepool::sqlite
