#include "nodepool/redis.hpp"

#include <chrono>
#include <iostream>

#include "nodepool/pool.hpp"

/// Nobody listens on this port: the driver must be there, and say so.
int main() {
  const auto driver = nodepool::open_redis("redis://127.0.0.1:1/0");
  if (!driver) return 1;
  nodepool::NodePool pool(nodepool::ServiceName("consumer"), *driver);
  const auto started = pool.start(std::chrono::milliseconds(200));
  std::cout << (*driver)->describe() << ": " << (started ? "started" : started.error().message) << '\n';
  return started || started.error().message.find("127.0.0.1") == std::string::npos ? 1 : 0;
}
