#pragma once

#include <optional>
#include <string_view>

#include "driver/redis/endpoint.hpp"
#include "driver/redis/resp_codec.hpp"

/// What a Sentinel says about its masters. No I/O.

namespace nodepool::redis {

/// The channel on which a Sentinel tells that a master was replaced.
inline constexpr std::string_view kSwitchChannel = "+switch-master";

/// Of the answer to SENTINEL get-master-addr-by-name; nothing if it is no address.
std::optional<Endpoint> read_master_address(const Reply& reply);

/// The new master of this name, if the message on the channel "+switch-master" is about it:
/// "<name> <old host> <old port> <new host> <new port>".
std::optional<Endpoint> read_switch(std::string_view message, std::string_view master_name);

}  // namespace nodepool::redis
