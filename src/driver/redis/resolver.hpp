#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/redis/endpoint.hpp"
#include "nodepool/result.hpp"
#include "nodepool/types.hpp"

namespace nodepool::redis {

/// Where a socket connects to.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] int family() const noexcept { return storage.ss_family; }
  bool operator==(const SocketAddress& other) const noexcept {
    return size == other.size && std::memcmp(&storage, &other.storage, size) == 0;
  }
};

/// Finds the addresses of a server. Literal addresses and Unix sockets need no look-up; a name is looked up
/// on a thread of its own, because the system's resolver knows no deadline. At most one look-up of a server
/// is under way; one that outlives the deadline is picked up by a later call. Belongs to one thread.
class Resolver {
 public:
  /// All addresses, in the order to be tried; never empty. `unavailable` if there is none by the deadline.
  Result<std::vector<SocketAddress>> resolve(const Endpoint& endpoint, MonotonicTime deadline);

 private:
  struct Lookup;
  std::map<std::pair<std::string, std::uint16_t>, std::shared_ptr<Lookup>> under_way_;
};

}  // namespace nodepool::redis
