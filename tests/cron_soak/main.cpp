// cron_soak [--seconds S] [--seed N] [--jobs COUNT] [--daemons COUNT]: daemons of `nodepool cron` on a real
// server, with jobs that are due every second, while daemons are killed, frozen and cut off at random. Then
// every instant of every job has to have been run exactly once, or be accounted for by its policy. Prints the
// seed first; exits with 1 if not, and then tells what was done.

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "cron_soak/fleet.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::cron_soak;

struct Settings {
  std::chrono::seconds duration{60};
  std::uint64_t seed = std::random_device{}();
  unsigned jobs = 50;
  unsigned daemons = 3;
};

Settings read_settings(int argc, char** argv) {
  Settings settings;
  for (int index = 1; index + 1 < argc; index += 2) {
    const std::string option = argv[index];
    const std::uint64_t value = std::strtoull(argv[index + 1], nullptr, 10);
    if (option == "--seconds") settings.duration = std::chrono::seconds(value);
    if (option == "--seed") settings.seed = value;
    if (option == "--jobs") settings.jobs = static_cast<unsigned>(value);
    if (option == "--daemons") settings.daemons = static_cast<unsigned>(value);
  }
  return settings;
}

std::vector<std::string> play(const Settings& settings, DaemonFleet& fleet, Sum& sum) {
  fleet.play(BootClock::now() + settings.duration);
  std::vector<std::string> faults;
  if (!fleet.settle()) faults.emplace_back("the jobs do not go on after all was healed");
  for (const std::string& trouble : fleet.stop()) faults.push_back(trouble);
  for (const JobStory& story : fleet.stories()) {
    for (const std::string& fault : faults_of(story, sum)) faults.push_back(fault);
  }
  return faults;
}

}  // namespace

int main(int argc, char** argv) {
  const Settings settings = read_settings(argc, argv);
  fmt::print("seed {}\n", settings.seed);
  std::fflush(stdout);
  DaemonFleet fleet(settings.daemons, settings.jobs, settings.seed);
  Sum sum;
  std::vector<std::string> faults;
  try {
    faults = play(settings, fleet, sum);
  } catch (const std::exception& trouble) {
    faults.emplace_back(trouble.what());
  }
  if (!faults.empty()) {
    for (const std::string& deed : fleet.deeds()) fmt::print("{}\n", deed);
  }
  for (const std::string& fault : faults) fmt::print("VIOLATION: {}\n", fault);
  fmt::print(
      "{} daemons, {} jobs, {} faults; {} instants: {} runs ({} stopped, {} lost), {} not run; longest "
      "lateness "
      "{} ms; {}\n",
      settings.daemons, settings.jobs, fleet.deeds().size(), sum.instants, sum.runs, sum.stopped, sum.lost,
      sum.unrun, std::chrono::ceil<std::chrono::milliseconds>(sum.longest_lateness).count(),
      faults.empty() ? "no violation" : "VIOLATION");
  return faults.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}
