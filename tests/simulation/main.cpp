// simulation [--seeds N] [--from S] [--seed S]: runs whole pools in simulated time; --seed replays one with a
// trace.

#include <fmt/core.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>

#include "simulation/scenario.hpp"

namespace {

using namespace nodepool::simulation;

std::optional<std::uint64_t> number_after(int argc, char** argv, std::string_view option) {
  for (int i = 1; i + 1 < argc; ++i) {
    std::uint64_t value = 0;
    const char* text = argv[i + 1];
    if (argv[i] == option && std::from_chars(text, text + std::strlen(text), value).ec == std::errc{})
      return value;
  }
  return std::nullopt;
}

/// True if the run kept all promises.
bool run(std::uint64_t seed, bool trace, Summary& total) {
  try {
    const Summary summary = run_scenario(seed, trace);
    total.simulated += summary.simulated;
    total.events += summary.events;
    total.claims += summary.claims;
    total.fences += summary.fences;
    total.faults += summary.faults;
    total.views += summary.views;
    return true;
  } catch (const Violation& violation) {
    fmt::print("seed {}: VIOLATION at {:.6f} s: {}\n", seed, static_cast<double>(violation.at.count()) / 1e9,
               violation.what);
    if (!trace) fmt::print("replay with: simulation --seed {}\n", seed);
    return false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  Summary total;
  if (const auto seed = number_after(argc, argv, "--seed")) return run(*seed, true, total) ? 0 : 1;
  const std::uint64_t from = number_after(argc, argv, "--from").value_or(1);
  const std::uint64_t seeds = number_after(argc, argv, "--seeds").value_or(1000);
  fmt::print("seeds {} to {}\n", from, from + seeds - 1);
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t seed = from; seed < from + seeds; ++seed) {
    if (!run(seed, false, total)) {
      fmt::print("found after {} seeds\n", seed - from + 1);
      return 1;
    }
  }
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double hours = std::chrono::duration<double>(total.simulated).count() / 3600;
  fmt::print(
      "{} seeds kept all promises: {:.1f} simulated hours in {:.1f} s ({:.2f} hours per second), {} events, "
      "{} faults, "
      "{} views, {} claims, {} fences\n",
      seeds, hours, wall, hours / wall, total.events, total.faults, total.views, total.claims, total.fences);
  return 0;
}
