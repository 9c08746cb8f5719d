// soak [--minutes M | --seconds S] [--seed N] [--nodes COUNT]: random faults on real processes and a real
// server, pool after pool, under the checker of the fault tests. Prints the seed first; exits with 1 on a
// violation, and then tells what was done.

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "fault/parts/trial.hpp"
#include "soak/mischief.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool::fault;
using nodepool::soak::Mischief;
using std::chrono::steady_clock;

/// A pool lives for so long; then its nodes are judged and the next one begins.
constexpr auto kAct = 60s;

struct Settings {
  std::chrono::seconds duration = 5min;
  std::uint64_t seed = std::random_device{}();
  unsigned nodes = 6;
};

struct Sum {
  std::size_t pools = 0;
  std::size_t rounds = 0;
  std::size_t faults = 0;
  std::chrono::milliseconds longest_recovery{0};
};

Settings read_settings(int argc, char** argv) {
  Settings settings;
  for (int index = 1; index + 1 < argc; index += 2) {
    const std::string option = argv[index];
    const std::uint64_t value = std::strtoull(argv[index + 1], nullptr, 10);
    if (option == "--minutes") settings.duration = std::chrono::minutes(value);
    if (option == "--seconds") settings.duration = std::chrono::seconds(value);
    if (option == "--seed") settings.seed = value;
    if (option == "--nodes") settings.nodes = static_cast<unsigned>(value);
  }
  return settings;
}

void play(Trial& trial, Mischief& mischief, const Names& nodes, steady_clock::time_point until, Sum& sum) {
  // The worst of all together: the server lost writes, and brought back members that were gone.
  const auto patience = trial.after_lost_writes() + 2 * trial.after_silence();
  while (steady_clock::now() < until) {
    mischief.play_round();
    mischief.heal();
    const auto healed = steady_clock::now();
    trial.wait_for(
        "a steady pool after all was healed", [&] { return trial.steady(nodes); }, patience);
    sum.longest_recovery = std::max(
        sum.longest_recovery, std::chrono::ceil<std::chrono::milliseconds>(steady_clock::now() - healed));
    ++sum.rounds;
  }
}

/// After trouble that ended the play: only what has been told to the end can be judged.
std::vector<Violation> what_else_was_wrong(Trial& trial) {
  try {
    return trial.judge().violations;
  } catch (const std::exception& trouble) {
    return {{"end", trouble.what()}};
  }
}

/// True if one pool kept all promises until then.
bool run_pool(const Settings& settings, std::uint64_t seed, steady_clock::time_point until, Sum& sum) {
  Names nodes;
  for (unsigned number = 0; number < settings.nodes; ++number) nodes.push_back(fmt::format("n{}", number));
  Trial trial;
  Mischief mischief(trial, nodes, seed);
  std::vector<Violation> violations;
  try {
    trial.begin(nodes);
    play(trial, mischief, nodes, until, sum);
    violations = trial.judge().violations;
  } catch (const std::exception& trouble) {
    violations = what_else_was_wrong(trial);
    violations.push_back({"recovery", trouble.what()});
  }
  ++sum.pools;
  sum.faults += mischief.faults();
  if (violations.empty()) return true;
  for (const std::string& line : mischief.story()) fmt::print("{}\n", line);
  for (const Violation& each : violations) fmt::print("VIOLATION of {}: {}\n", each.promise, each.what);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const Settings settings = read_settings(argc, argv);
  fmt::print("seed {}\n", settings.seed);
  std::fflush(stdout);
  const auto end = steady_clock::now() + settings.duration;
  Sum sum;
  bool good = true;
  for (std::uint64_t pool = 0; good && steady_clock::now() < end; ++pool) {
    const auto until = std::min<steady_clock::time_point>(end, steady_clock::now() + kAct);
    good = run_pool(settings, settings.seed + pool, until, sum);
  }
  fmt::print("{} pools of {} nodes, {} rounds, {} faults; longest recovery {} ms; {}\n", sum.pools,
             settings.nodes, sum.rounds, sum.faults, sum.longest_recovery.count(),
             good ? "no violation" : "VIOLATION");
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
