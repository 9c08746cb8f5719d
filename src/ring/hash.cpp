#include "nodepool/ring.hpp"
#include "ring/xxh64.hpp"

namespace nodepool {

std::uint64_t hash_key(std::string_view key) noexcept {
  return ring::xxh64::hash(key);
}

void hash_keys(std::span<const std::string_view> keys, std::span<std::uint64_t> hashes) noexcept {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    hashes[i] = ring::xxh64::hash(keys[i]);
  }
}

}  // namespace nodepool
