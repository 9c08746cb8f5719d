#pragma once

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

/// How many forks lie between this process and the one that loaded nodepool; one relaxed load.
std::uint64_t fork_generation() noexcept;

}  // namespace nodepool
