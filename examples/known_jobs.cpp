// Jobs that are known beforehand: which of them are this node's now, and how they would be divided within a
// bound.
//
//     example_known_jobs                                  ten looks, in a pool of its own
//     example_known_jobs 100 redis://127.0.0.1            start it several times: the jobs are divided

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "nodepool/assign.hpp"
#include "nodepool/memory.hpp"
#include "nodepool/pool.hpp"
#include "nodepool/redis.hpp"

namespace {

using namespace std::chrono_literals;

nodepool::JobSet all_shards() {
  std::vector<std::string> names;
  for (int shard = 0; shard < 256; ++shard) names.push_back("shard-" + std::to_string(shard));
  return nodepool::JobSet(std::move(names));
}

/// What this node would get if nobody took more than 110 % of the mean. For planning only: a shard that the
/// pool has placed elsewhere is not eligible here (docs/placement.md).
std::vector<std::size_t> planned_here(const nodepool::NodePool& pool, const nodepool::JobSet& shards) {
  const nodepool::View view = pool.view();
  const auto placement =
      nodepool::Placement::build(nodepool::PlacementKind::rendezvous, nodepool::places_of(view.members));
  if (!view.settled || !placement) return {};
  const auto plan = nodepool::assign(shards, *placement, 110);
  return plan ? plan->jobs_of(pool.node_name().str()) : std::vector<std::size_t>{};
}

int fail(const std::string& message) {
  std::cerr << message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const int looks = argc > 1 ? std::atoi(argv[1]) : 10;
  const auto driver = argc > 2 ? nodepool::open_redis(argv[2]) : nodepool::open_memory();
  if (!driver) return fail(driver.error().message);

  nodepool::PoolOptions options;
  options.placement = nodepool::PlacementKind::rendezvous;
  nodepool::NodePool pool(nodepool::ServiceName("shards"), *driver, options);
  if (const auto started = pool.start(); !started) return fail(started.error().message);

  const nodepool::JobSet shards = all_shards();
  const nodepool::Job cleaning("cleaning");  // hashed once, and not at each question
  bool all_here = true;
  for (int look = 0; look < looks; ++look) {
    const std::vector<std::size_t> eligible = pool.eligible_jobs(shards);  // all of one instant
    std::cout << eligible.size() << " of " << shards.size() << " shards are eligible here, "
              << planned_here(pool, shards).size() << " planned"
              << (pool.is_eligible(cleaning) ? "; cleaning runs here\n" : "\n");
    all_here = all_here && eligible.size() == shards.size() && pool.is_eligible(cleaning);
    std::this_thread::sleep_for(100ms);
  }
  const bool alone = pool.nodes().size() == 1;
  pool.stop();
  return alone && !all_here ? 1 : 0;
}
