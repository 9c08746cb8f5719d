// A service that embeds one pool: service_redis <store> <node>.

#include <nodepool/redis.hpp>

#include "footprint/pool_service.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return nodepool::bench::serve_in_pool(nodepool::open_redis(argv[1]), argv[2]);
}
