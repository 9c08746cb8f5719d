#include "cli/pool_arguments.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "nodepool/ring.hpp"

namespace nodepool::cli {

void add_pool_arguments(CLI::App& command, PoolArguments& arguments) {
  PoolOptions& options = arguments.options;
  command.add_option("--name", options.name, "The node's name; default: host name and random digits")
      ->type_name("NAME");
  add_duration_option(command, "--heartbeat", options.heartbeat,
                      "Between two heartbeats; the same on all nodes");
  add_duration_option(command, "--lease", options.lease,
                      "How long a silent node keeps its jobs; at least 3 heartbeats; the same on all nodes");
  add_duration_option(command, "--drain-grace", options.drain_grace,
                      "How long leaving waits for running jobs");
  add_placement_option(
      command, options.placement,
      "Which node gets which job: ring, rendezvous or rendezvous-fine; the same on all nodes");
  command
      .add_option("--points", options.points, "Points per unit of weight on the ring; the same on all nodes")
      ->check(CLI::Range(1U, kMaxPoints))
      ->capture_default_str()
      ->type_name("COUNT");
  command.add_option("--weight", options.weight, "This node's share relative to others, 1 to 100")
      ->check(CLI::Range(1U, kMaxWeight))
      ->capture_default_str()
      ->type_name("SHARES");
  command.add_option("--zone", options.zone, "Where the node is, for people")->type_name("TEXT");
  command.add_option("--address", options.address, "Where its own service is reached")->type_name("TEXT");
  add_list_option(command, "--metadata", arguments.metadata, "For people and tools; may be given often")
      ->type_name("KEY=VALUE");
  add_duration_option(
      command, "--start-timeout", arguments.start_timeout,
      "How long to try to become steady; 0ms: 30 seconds, or 3 leases (go-dispatch: 5 periods) "
      "if that is longer");
}

Result<void> settle(PoolArguments& arguments) {
  for (const std::string& entry : arguments.metadata) {
    const std::size_t sign = entry.find('=');
    if (sign == std::string::npos || sign == 0) {
      return failure(ErrorCode::invalid_argument,
                     fmt::format("--metadata \"{}\" is not of the form KEY=VALUE", entry));
    }
    arguments.options.metadata[entry.substr(0, sign)] = entry.substr(sign + 1);
  }
  return validate(arguments.options);
}

std::chrono::milliseconds start_timeout_of(const PoolArguments& arguments) {
  constexpr std::chrono::seconds kUsual{30};
  if (arguments.start_timeout.count() > 0) return arguments.start_timeout;
  return std::max<std::chrono::milliseconds>(kUsual, 3 * arguments.options.lease);
}

}  // namespace nodepool::cli
