#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "driver/sqlite/connection.hpp"
#include "nodepool/types.hpp"
#include "nodepool/view_store.hpp"

namespace nodepool::sqlite {

/// What the store has of one pool.
struct PoolRow {
  std::optional<PoolState> state;
  std::int64_t version = 0;  ///< How many hints were published.
};

/// `store_corrupt` if there is something that is no state.
Result<PoolRow> load(Connection& connection, const ServiceName& service);
/// REQUIRES: `row.state` is there.
Result<void> save(Connection& connection, const ServiceName& service, const PoolRow& row);
/// Only the version; 0 where there is no such pool.
Result<std::int64_t> load_version(Connection& connection, const ServiceName& service);

}  // namespace nodepool::sqlite
