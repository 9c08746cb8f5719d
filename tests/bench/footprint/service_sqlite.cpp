// A service that embeds one pool: service_sqlite <store> <node>.

#include <nodepool/pool.hpp>
#include <nodepool/sqlite.hpp>

#include "footprint/service.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  auto driver = nodepool::open_sqlite(argv[1]);
  if (!driver) return nodepool::bench::serve(driver.error().message);
  nodepool::PoolOptions options;
  options.name = argv[2];
  nodepool::NodePool pool(nodepool::ServiceName("footprint"), *driver, options);
  if (auto started = pool.start(); !started) return nodepool::bench::serve(started.error().message);
  return nodepool::bench::serve();
}
