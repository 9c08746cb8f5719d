#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace nodepool {

/// What tells one life of a node from every other.
struct Identity {
  std::string id;            ///< 32 random hexadecimal digits.
  std::string default_name;  ///< The host's name and eight digits of the id.
  std::uint64_t seed = 0;    ///< For jitter.
};
Identity new_identity();

namespace detail {
extern constinit std::atomic<std::uint64_t> forks;
}

/// How many forks lie between this process and the one that loaded nodepool; one relaxed load.
inline std::uint64_t fork_generation() noexcept {
  return detail::forks.load(std::memory_order_relaxed);
}

}  // namespace nodepool
