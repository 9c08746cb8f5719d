#include "nodepool/redis.hpp"

#include <chrono>
#include <iostream>

#include "nodepool/go_dispatch.hpp"
#include "nodepool/pool.hpp"

namespace {

/// Nobody listens on this port: the driver must be there, and say so.
bool says_so(const nodepool::Result<std::shared_ptr<nodepool::Driver>>& driver) {
  if (!driver) return false;
  nodepool::NodePool pool(nodepool::ServiceName("consumer"), *driver);
  const auto started = pool.start(std::chrono::milliseconds(200));
  std::cout << (*driver)->describe() << ": " << (started ? "started" : started.error().message) << '\n';
  return !started && started.error().message.find("127.0.0.1") != std::string::npos;
}

}  // namespace

int main() {
  nodepool::GoDispatchOptions shared;
  shared.redis.port = 1;
  const bool good =
      says_so(nodepool::open_redis("redis://127.0.0.1:1/0")) && says_so(nodepool::open_go_dispatch(shared));
  return good ? 0 : 1;
}
