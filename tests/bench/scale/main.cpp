// scale [--sizes 5,50,200,1000] [--processes N] [--repetitions N] [--seconds N] [--patience S] [--lease MS]
// [--heartbeat MS] [--only warm]: pools of these sizes, of real processes on a real server of their own; how
// long they take to be steady and what that costs. Prints a table and figures. Exits with 1 if something
// failed.

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "parts/figures.hpp"
#include "parts/process_usage.hpp"
#include "scale/trial.hpp"

namespace {

using namespace nodepool::bench;

ScaleSettings settings_from(int argc, char** argv) {
  ScaleSettings settings;
  settings.processes = std::max(1U, number_option(argc, argv, "--processes", 4));
  settings.repetitions = number_option(argc, argv, "--repetitions", 5);
  settings.window = std::chrono::seconds(number_option(argc, argv, "--seconds", 10));
  settings.patience = std::chrono::seconds(number_option(argc, argv, "--patience", 60));
  settings.lease = std::chrono::milliseconds(number_option(argc, argv, "--lease", 4000));
  settings.heartbeat = std::chrono::milliseconds(number_option(argc, argv, "--heartbeat", 1000));
  settings.only_warm = option(argc, argv, "--only", "") == "warm";
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  raise_open_files_limit();
  const ScaleSettings settings = settings_from(argc, argv);
  std::vector<ScaleResult> results;
  std::istringstream sizes(option(argc, argv, "--sizes", "5,50,200,1000"));
  for (std::string size; std::getline(sizes, size, ',');) {
    const std::size_t nodes = std::strtoul(size.c_str(), nullptr, 10);
    if (nodes < 3) {
      fmt::print(stderr, "scale: a crowd has 3 nodes or more, not '{}'\n", size);
      return EXIT_FAILURE;
    }
    fmt::print(stderr, "scale: {} nodes\n", nodes);
    results.push_back(measure_scale(nodes, settings));
  }
  fmt::print("{}\n", scale_table(results, settings));
  bool failed = false;
  for (const ScaleResult& result : results) {
    print_scale_figures(result, settings);
    failed = failed || !result.troubles.empty();
  }
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
