#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/redis/resp_codec.hpp"
#include "nodepool/driver.hpp"

/// What the driver tells the server's scripts, and what it understands of their answers. No I/O.

namespace nodepool::redis {

/// One of the embedded scripts.
struct Script {
  std::string_view text;
  std::string_view digest;  ///< SHA-1, hexadecimal: the server's name for it.
};

/// A script with its keys and arguments.
struct ScriptCall {
  Script script;
  std::vector<std::string> keys;
  std::vector<std::string> arguments;

  /// The command by the script's digest, and by its text for a server that does not know it.
  [[nodiscard]] std::vector<std::string> by_digest() const;
  [[nodiscard]] std::vector<std::string> by_text() const;
};

/// Where the pool's hints are published.
std::string hint_channel(const ServiceName& service);

/// What tests may dictate to the script.
struct TestRules {
  std::optional<std::chrono::microseconds> time = std::nullopt;  ///< Instead of the server's clock.
  std::optional<std::size_t> batches_from = std::nullopt;        ///< Instead of `kBatchesFrom`.
};

/// `invalid_argument` if the request holds what the script cannot take.
Result<ScriptCall> sync_call(const ServiceName& service, const SyncRequest& request, std::string_view run_id,
                             const TestRules& rules = {});
Result<SyncReply> read_sync_reply(const ServiceName& service, const SyncRequest& request, const Reply& reply);

ScriptCall status_call(const ServiceName& service);
Result<PoolStatus> read_status_reply(const ServiceName& service, const Reply& reply);

ScriptCall drain_call(const ServiceName& service, const NodeId& node);
Result<void> read_drain_reply(const ServiceName& service, const NodeId& node, const Reply& reply);

}  // namespace nodepool::redis
