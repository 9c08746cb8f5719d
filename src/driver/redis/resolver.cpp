#include "driver/redis/resolver.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/un.h>

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

namespace nodepool::redis {
namespace {

using Addresses = std::vector<SocketAddress>;

Result<Addresses> look_up(const std::string& host, std::uint16_t port, int flags) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (status != 0) {
    return failure(ErrorCode::unavailable,
                   fmt::format("the address of host '{}' was not found: {}", host, ::gai_strerror(status)));
  }
  Addresses addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.size = each->ai_addrlen;
  }
  ::freeaddrinfo(found);
  return addresses;
}

SocketAddress unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
  SocketAddress result;
  std::memcpy(&result.storage, &address, sizeof(address));
  result.size = sizeof(address);
  return result;
}

}  // namespace

/// Shared with the thread of the look-up, which may outlive the session.
struct Resolver::Lookup {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Result<Addresses>> result;  ///< Guarded by the mutex.
};

Result<Addresses> Resolver::resolve(const Endpoint& endpoint, MonotonicTime deadline) {
  if (!endpoint.unix_path.empty()) return Addresses{unix_address(endpoint.unix_path)};
  if (auto literal = look_up(endpoint.host, endpoint.port, AI_NUMERICHOST)) return literal;
  auto& lookup = under_way_[{endpoint.host, endpoint.port}];
  if (lookup == nullptr) {
    auto started = std::make_shared<Lookup>();
    try {
      std::thread([started, host = endpoint.host, port = endpoint.port] {
        auto result = look_up(host, port, 0);
        const std::lock_guard lock(started->mutex);
        started->result = std::move(result);
        started->changed.notify_all();
      }).detach();
    } catch (const std::system_error& error) {
      return failure(ErrorCode::unavailable,
                     fmt::format("no thread to look up host '{}': {}", endpoint.host, error.what()));
    }
    lookup = std::move(started);
  }
  std::unique_lock lock(lookup->mutex);
  const auto patience = std::max<BootClock::duration>(deadline - BootClock::now(), {});
  if (!lookup->changed.wait_for(lock, patience, [&] { return lookup->result.has_value(); })) {
    return failure(ErrorCode::unavailable,
                   fmt::format("the address of host '{}' was not found in time", endpoint.host));
  }
  auto result = std::move(*lookup->result);
  lock.unlock();
  under_way_.erase({endpoint.host, endpoint.port});
  return result;
}

}  // namespace nodepool::redis
