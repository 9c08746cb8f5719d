#include <chrono>
#include <iostream>

#include "nodepool/schedule.hpp"

int main() {
  const auto schedule = nodepool::cron::Schedule::parse("CRON_TZ=Europe/Berlin 30 2 * * mon-fri");
  if (!schedule) {
    std::cerr << schedule.error().message << '\n';
    return 1;
  }
  std::cout << schedule->describe() << '\n';
  // The start of 1970 was a Thursday, 01:00 in Berlin.
  const auto due = schedule->next(nodepool::WallTime());
  return due && *due == nodepool::WallTime(std::chrono::minutes(90)) ? 0 : 1;
}
