#include "driver/sqlite/pool_table.hpp"

#include <fmt/core.h>

#include <utility>

namespace nodepool::sqlite {

Result<PoolRow> load(Connection& connection, const ServiceName& service) {
  Statement select = connection.prepare("SELECT state, version FROM pools WHERE service = ?1");
  select.bind(1, service.str());
  const int code = select.step();
  if (code == SQLITE_DONE) return PoolRow{};
  if (code != SQLITE_ROW) return tl::unexpected(connection.error(code));
  auto state = decode_state(select.text(0));
  if (!state) {
    return failure(
        ErrorCode::store_corrupt,
        fmt::format("the store '{}' holds no readable state of service '{}' ({}) and was left as it is; "
                    "stop all its nodes, delete it, and the next node makes a new one",
                    connection.file(), service.str(), state.error().message));
  }
  return PoolRow{.state = std::move(*state), .version = select.number(1)};
}

Result<void> save(Connection& connection, const ServiceName& service, const PoolRow& row) {
  Statement replace =
      connection.prepare("INSERT OR REPLACE INTO pools (service, state, version) VALUES (?1, ?2, ?3)");
  replace.bind(1, service.str());
  replace.bind(2, encode_state(*row.state));
  replace.bind(3, row.version);
  const int code = replace.step();
  if (code != SQLITE_DONE) return tl::unexpected(connection.error(code));
  return {};
}

Result<std::int64_t> load_version(Connection& connection, const ServiceName& service) {
  Statement select = connection.prepare("SELECT version FROM pools WHERE service = ?1");
  select.bind(1, service.str());
  const int code = select.step();
  if (code == SQLITE_ROW) return select.number(0);
  if (code == SQLITE_DONE) return 0;
  return tl::unexpected(connection.error(code));
}

}  // namespace nodepool::sqlite
