#ifndef __clang_analyzer__  // It follows paths through the body that no length takes.
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

#include "nodepool/ring.hpp"

namespace nodepool {

std::uint64_t hash_key(std::string_view key) noexcept {
  return XXH64(key.data(), key.size(), 0);
}

void hash_keys(std::span<const std::string_view> keys, std::span<std::uint64_t> hashes) noexcept {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    hashes[i] = hash_key(keys[i]);
  }
}

}  // namespace nodepool
