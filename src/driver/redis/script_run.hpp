#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "driver/redis/connection.hpp"
#include "driver/redis/scripts.hpp"

namespace nodepool::redis {

/// How a script is to be run.
struct ScriptOrder {
  /// The call, for the server with this run id.
  std::function<Result<ScriptCall>(const std::string& run_id)> call;
  unsigned replicas = 0;  ///< So many are to confirm what it wrote; 0: nobody is asked.
  bool asking = false;    ///< On a server that does not have the slot yet.
};

/// What came of it.
struct ScriptResult {
  /// The script's, or the server's error: then replies may be outstanding, and the connection is of no more
  /// use.
  Reply reply;
  /// Replicas that have confirmed, if that was asked and the server has said so in time.
  std::optional<std::int64_t> confirmations = std::nullopt;
};

/// Runs a script on a connection, by its digest, or by its text if the server does not know it. The wait for
/// the replicas is sent along with the script, so it costs no round trip of its own. Errors: of
/// Connection::call, and of the order's call.
Result<ScriptResult> run_script(Connection& connection, const ScriptOrder& order, MonotonicTime deadline);

}  // namespace nodepool::redis
