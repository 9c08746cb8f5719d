#pragma once

#include <memory>

#include "driver/sqlite/connection.hpp"
#include "driver/sqlite/location.hpp"

/// How a store's file is told from other files, and how it comes about.

namespace nodepool::sqlite {

/// Makes the store's file, complete or not at all: nobody ever sees a file that is half made. False if
/// somebody else has made it meanwhile.
Result<bool> create_store(const Location& location, MonotonicTime deadline);

/// Opens a store's file. Whatever is not ours is refused before anything is written, also beside it.
/// Errors: `store_corrupt`, `unsupported` (made by a newer nodepool), `permission_denied`, `unavailable`.
Result<std::unique_ptr<Connection>> open_store(const Location& location, MonotonicTime deadline);

}  // namespace nodepool::sqlite
