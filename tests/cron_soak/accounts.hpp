#pragma once

#include <map>
#include <string>
#include <vector>

#include "nodepool/cron.hpp"

namespace nodepool::cron_soak {

/// What is known of one job after all is over.
struct JobStory {
  std::string name;
  cron::Schedule schedule;
  cron::JobPolicy policy;
  std::map<WallTime, int> written;          ///< How often the job's command has begun, by instant.
  std::vector<cron::HistoryEntry> history;  ///< All of it, newest first.
  cron::FleetJob record;
};

struct Sum {
  std::size_t instants = 0;
  std::size_t runs = 0;
  std::size_t unrun = 0;  ///< Noted as missed or overlapped.
  std::size_t lost = 0;
  std::size_t stopped = 0;
  std::chrono::nanoseconds longest_lateness{0};  ///< Of a run's start after its instant.
};

/// Whether each instant was run exactly once, or is accounted for by the job's policy: the sentences say what
/// is wrong. Adds to the sum.
[[nodiscard]] std::vector<std::string> faults_of(const JobStory& story, Sum& sum);

}  // namespace nodepool::cron_soak
