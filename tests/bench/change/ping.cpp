#include "change/ping.hpp"

#include "driver/redis/connection.hpp"
#include "driver/redis/resolver.hpp"

namespace nodepool::bench {

bool Pinger::ping(unsigned count, Samples& samples) {
  redis::Resolver resolver;
  const auto deadline = BootClock::now() + std::chrono::seconds(5);
  const redis::Endpoint endpoint = redis::endpoint_of(options_);
  const auto addresses = resolver.resolve(endpoint, deadline);
  if (!addresses) return false;
  auto connection = redis::Connection::open(options_, nullptr, endpoint, *addresses, deadline);
  if (!connection) return false;
  for (unsigned index = 0; index < count; ++index) {
    const auto before = BootClock::now();
    if (!connection->call({"PING"}, deadline)) return false;
    samples.add(BootClock::now() - before);
  }
  return true;
}

}  // namespace nodepool::bench
