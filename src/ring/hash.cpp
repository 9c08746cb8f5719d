#ifndef __clang_analyzer__  // It follows paths through the body that no length takes.
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

#include "nodepool/ring.hpp"

namespace nodepool {

std::uint64_t hash_key(std::string_view key) noexcept {
  return XXH64(key.data(), key.size(), 0);
}

}  // namespace nodepool
