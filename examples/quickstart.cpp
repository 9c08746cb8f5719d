// The smallest member of a pool: which jobs may this process run just now?
//
//     example_quickstart                              ten looks, in a pool of its own
//     example_quickstart 100 redis://127.0.0.1        start it several times: the jobs are divided

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include "nodepool/memory.hpp"
#include "nodepool/pool.hpp"
#include "nodepool/redis.hpp"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  const int looks = argc > 1 ? std::atoi(argv[1]) : 10;
  const auto driver = argc > 2 ? nodepool::open_redis(argv[2]) : nodepool::open_memory();
  if (!driver) {
    std::cerr << driver.error().message << '\n';
    return 2;
  }
  const auto logger = [](nodepool::LogLevel level, std::string_view message, auto /*fields*/) {
    std::cerr << to_string(level) << ": " << message << '\n';
  };

  // A node that is silent for ten seconds loses its jobs; 50 points on the ring.
  nodepool::NodePool pool("myService", *driver, 10s, 50, logger);
  if (const auto started = pool.start(); !started) {
    std::cerr << started.error().message << '\n';
    return 1;
  }
  int eligible = 0;
  for (int look = 0; look < looks; ++look) {
    if (pool.is_eligible("job1")) {
      ++eligible;
      std::cout << "job1 runs here\n";
    } else {
      const auto owner = pool.owner("job1");
      std::cout << "job1 runs on " << (owner ? owner->name.str() : "nobody") << '\n';
    }
    std::this_thread::sleep_for(100ms);
  }
  const bool alone = pool.nodes().size() == 1;
  pool.stop();
  return alone && eligible != looks ? 1 : 0;
}
