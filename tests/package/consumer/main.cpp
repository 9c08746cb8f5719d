#include <chrono>
#include <iostream>

#include "nodepool/memory.hpp"
#include "nodepool/pool.hpp"
#include "nodepool/ring.hpp"
#include "nodepool/sqlite.hpp"

namespace {

bool runs_alone_on(std::shared_ptr<nodepool::Driver> driver) {
  nodepool::NodePool pool(
      nodepool::ServiceName("consumer"), std::move(driver),
      {.heartbeat = std::chrono::milliseconds(50), .lease = std::chrono::milliseconds(400)});
  if (const auto started = pool.start(); !started) {
    std::cerr << started.error().message << '\n';
    return false;
  }
  const bool eligible = pool.is_eligible("job1") && pool.try_claim("job1");
  pool.stop();
  return eligible && !pool.is_eligible("job1");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto sqlite = nodepool::open_sqlite(argv[1]);
  const auto ring = nodepool::HashRing::build({{"a"}, {"b"}}, 50);
  const bool good = ring && ring->owner("job1") && sqlite && runs_alone_on(*sqlite) &&
                    runs_alone_on(nodepool::open_memory());
  std::cout << (good ? "eligible on both stores\n" : "something is wrong\n");
  return good ? 0 : 1;
}
