#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "driver/redis/endpoint.hpp"
#include "driver/redis/resp_codec.hpp"

/// What a cluster says about where keys are. No I/O.

namespace nodepool::redis {

using Slot = std::uint16_t;
/// More nodes than this are not remembered: those of a larger cluster are as good as these.
inline constexpr std::size_t kMostNodes = 256;

/// The slot of a key, 0 to 16383: the CRC-16 (polynomial 0x1021, from 0) of its hash tag, or of all of it.
Slot slot_of(std::string_view key) noexcept;

/// "Not here": an error reply that names the server to ask.
struct Redirection {
  enum class Kind {
    moved,  ///< From now on.
    ask     ///< This once, with ASKING: the slot is on its way there.
  };
  Kind kind = Kind::moved;
  Endpoint target;
  bool operator==(const Redirection&) const = default;
};
/// Of "MOVED 3999 10.0.0.1:6381"; nothing if the text is no redirection. A server that does not know its own
/// address leaves the host empty: it is that of `asked`.
std::optional<Redirection> read_redirection(std::string_view text, const Endpoint& asked);

/// True if the keys are half on one server and half on another: a moment later they are not.
bool is_between_servers(std::string_view text) noexcept;

/// What one node knows of its cluster.
struct ClusterNodes {
  std::optional<Endpoint> owner;  ///< Of the slot that was asked for; none if nobody serves it.
  std::vector<Endpoint> others;   ///< All the rest, replicas too.
  bool operator==(const ClusterNodes&) const = default;
};
/// Of the answer to CLUSTER SLOTS, as servers from 6.2 on give it; nothing if it is none. A missing host is
/// that of `asked`; nodes whose address is not told are left out.
std::optional<ClusterNodes> read_cluster_slots(const Reply& reply, Slot slot, const Endpoint& asked);

}  // namespace nodepool::redis
