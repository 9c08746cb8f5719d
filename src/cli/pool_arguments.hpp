#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "nodepool/pool.hpp"

/// How a node takes part, as the command line says it: the same for all sub-commands that become a node.

namespace nodepool::cli {

struct PoolArguments {
  std::string service;
  PoolOptions options;
  std::vector<std::string> metadata;           ///< "KEY=VALUE", not yet part of `options`.
  std::chrono::milliseconds start_timeout{0};  ///< 0: 30 seconds, or 3 leases if that is longer.
};

/// --name, --heartbeat, --lease and the rest; the service is an argument of its own.
void add_pool_arguments(CLI::App& command, PoolArguments& arguments);
/// Moves the metadata into the options, and checks all of them.
[[nodiscard]] Result<void> settle(PoolArguments& arguments);
/// A pool that starts behind a barrier takes a whole lease.
[[nodiscard]] std::chrono::milliseconds start_timeout_of(const PoolArguments& arguments);

}  // namespace nodepool::cli
