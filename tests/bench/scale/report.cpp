#include <fmt/format.h>

#include "cli/parts/table.hpp"
#include "parts/figures.hpp"
#include "scale/trial.hpp"

namespace nodepool::bench {
namespace {

using Row = std::vector<std::string>;

std::string duration(std::chrono::nanoseconds time) {
  return fmt::format("{:.3f}", seconds(time));
}

/// One line of the table: what happened, to how many, and what it cost.
Row row_of(std::size_t nodes, const char* what, const std::optional<Change>& change) {
  if (!change) return {std::to_string(nodes), what, "not tried", "-", "-", "-", "-", "-", "-"};
  const ServerWork& server = change->server;
  return {std::to_string(nodes),
          what,
          change->in_time ? duration(change->took) : "not in " + duration(change->took),
          std::to_string(server.script_calls),
          std::to_string(server.published),
          fmt::format("{:.3f}", static_cast<double>(server.bytes_in + server.bytes_out) / 1e6),
          duration(server.cpu),
          duration(change->workers_cpu),
          std::to_string(change->leases_lost)};
}

double per_call(const Quiet& quiet, std::uint64_t what) {
  return static_cast<double>(what) /
         static_cast<double>(std::max<std::uint64_t>(1, quiet.server.script_calls));
}

double percent(std::chrono::nanoseconds cpu, const Quiet& quiet) {
  return 100 * seconds(cpu) / seconds(quiet.server.elapsed);
}

Row quiet_row(std::size_t nodes, const char* what, const std::optional<Quiet>& quiet,
              const ScaleSettings& settings) {
  if (!quiet) return {std::to_string(nodes), what, "not tried", "-", "-", "-", "-", "-", "-", "-"};
  const ServerWork& server = quiet->server;
  const double heartbeats =
      static_cast<double>(nodes) * seconds(server.elapsed) / seconds(settings.heartbeat);
  const double calls = static_cast<double>(server.script_calls);
  return {std::to_string(nodes),
          what,
          fmt::format("{:.1f}", calls / seconds(server.elapsed)),
          fmt::format("{:.2f}", calls / heartbeats),
          fmt::format("{:.0f}", per_call(*quiet, server.bytes_in)),
          fmt::format("{:.0f}", per_call(*quiet, server.bytes_out)),
          fmt::format("{:.1f}", per_call(*quiet, static_cast<std::uint64_t>(server.in_scripts.count()))),
          fmt::format("{:.2f}", percent(server.cpu, *quiet)),
          fmt::format("{:.2f}", percent(quiet->workers_cpu, *quiet)),
          std::to_string(quiet->leases_lost)};
}

void print_duration(const std::string& name, const std::optional<Change>& change, const Target& target) {
  if (!change) return print_failure(name, "s", target, "it could not be tried");
  if (!change->in_time) return print_failure(name, "s", target, "it was not over in time");
  print_figure(name, seconds(change->took), "s", target);
}

Target at_most(bool known, double value) {
  return known ? Target{"<=", value} : Target{};
}

}  // namespace

std::string scale_table(const std::vector<ScaleResult>& results, const ScaleSettings& settings) {
  std::vector<Row> changes{{"NODES", "WHAT HAPPENED", "ALL STEADY AFTER S", "SCRIPT CALLS", "HINTS",
                            "MB IN+OUT", "SERVER CPU S", "NODES CPU S", "LEASES LOST"}};
  std::vector<Row> quiet{{"NODES", "STEADY STATE", "CALLS/S", "CALLS/HEARTBEAT", "BYTES IN/CALL",
                          "BYTES OUT/CALL", "SCRIPT US", "SERVER CPU %", "NODES CPU %", "LEASES LOST"}};
  std::string notes;
  for (const ScaleResult& each : results) {
    if (!settings.only_warm) changes.push_back(row_of(each.nodes, "all start, empty server", each.cold));
    changes.push_back(row_of(each.nodes, "all start, living pool", each.warm));
    if (each.ramp) changes.push_back(row_of(each.nodes, "started by twentieths", each.ramp));
    changes.push_back(row_of(each.nodes, "one joins", each.join));
    changes.push_back(row_of(each.nodes, "one leaves", each.leave));
    changes.push_back(row_of(each.nodes, "the server restarts", each.restart));
    changes.push_back(row_of(each.nodes, "a tenth is killed", each.crash));
    quiet.push_back(quiet_row(each.nodes, "alone", each.quiet, settings));
    quiet.push_back(quiet_row(each.nodes, "100,000 foreign keys", each.quiet_among_foreign_keys, settings));
    for (const auto& trouble : each.troubles) notes += fmt::format("{} nodes: {}\n", each.nodes, trouble);
  }
  return cli::format_table(changes) + "\n" + cli::format_table(quiet) + (notes.empty() ? "" : "\n" + notes);
}

void print_scale_figures(const ScaleResult& result, const ScaleSettings& settings) {
  const std::string prefix = fmt::format("scale.{}.", result.nodes);
  const double barrier = seconds(settings.lease);
  const bool known = result.nodes == 200 || result.nodes == 1000;
  const double start_within = result.nodes == 200 ? 3 : 15;
  if (!settings.only_warm) {
    print_duration(prefix + "start_empty", result.cold, at_most(known, start_within + barrier));
  }
  print_duration(prefix + "start_living", result.warm, at_most(known, start_within));
  print_duration(prefix + "join", result.join, at_most(result.nodes == 1000, 1));
  print_duration(prefix + "leave", result.leave, {});
  print_duration(prefix + "restart", result.restart, at_most(known, 2 * barrier));
  if (result.restart) {
    print_figure(prefix + "restart.leases_lost", result.restart->leases_lost, "leases", at_most(known, 0));
  }
  print_duration(prefix + "crash", result.crash, {});
  const std::pair<const char*, const std::optional<Quiet>&> both[] = {
      {"quiet", result.quiet}, {"quiet_foreign_keys", result.quiet_among_foreign_keys}};
  for (const auto& [name, quiet] : both) {
    const auto all = [&](const std::string& what) { return prefix + name + "." + what; };
    const Target cpu = at_most(result.nodes == 1000, 15);
    if (!quiet) {
      print_failure(all("server_cpu"), "%", cpu, "the pool was not steady before");
      continue;
    }
    const double heartbeats =
        static_cast<double>(result.nodes) * seconds(quiet->server.elapsed) / seconds(settings.heartbeat);
    print_figure(all("calls_per_heartbeat"), static_cast<double>(quiet->server.script_calls) / heartbeats,
                 "calls", {"<=", 1.15});
    print_figure(all("bytes_per_heartbeat"),
                 per_call(*quiet, quiet->server.bytes_in + quiet->server.bytes_out), "B", {"<=", 1024});
    print_figure(all("server_cpu"), percent(quiet->server.cpu, *quiet), "%", cpu);
  }
}

}  // namespace nodepool::bench
