#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/go_dispatch/options.hpp"
#include "driver/redis/resp_codec.hpp"

/// What the Go drivers write, as text, and what the server answers. Pure.

namespace nodepool::go_dispatch {

/// What all entries of a service begin with: "distributed-nodepool:billing:". Also the sorted set's key.
std::string group_of(std::string_view prefix, const ServiceName& service);
/// "b6e7fade-2b03-4eb1-aa04-7f38e8fa1970": version 4, from random bits.
std::string uuid_of(const std::array<std::uint32_t, 4>& random);
/// Whether the entry could be a node of the service: the group, then a UUID of version 4. What is not is
/// counted by the Go nodes all the same.
bool is_node_of(std::string_view group, std::string_view entry) noexcept;
/// In quotes and printable, long ones cut: for messages.
std::string shown(std::string_view entry);

/// One line of the list.
struct Entry {
  std::string name;
  double score = 0;  ///< Of a sorted set: Unix seconds.
  bool operator==(const Entry&) const = default;
};

/// One reply to SCAN.
struct ScanPage {
  std::string cursor;  ///< "0": the end.
  std::vector<Entry> entries;
};
/// `store_corrupt` if the reply is anything else; so for the others.
Result<ScanPage> read_scan(const redis::Reply& reply);
/// The reply to ZRANGEBYSCORE with scores.
Result<std::vector<Entry>> read_scores(const redis::Reply& reply);
Result<std::int64_t> read_integer(const redis::Reply& reply);

/// The reply to TIME.
Result<WallTime> read_time(const redis::Reply& reply);
/// By how much a clock is off another one that was read in between `before` and `after`: ahead if positive.
/// Zero if it need not be off at all.
std::chrono::microseconds clock_error(WallTime before, WallTime after, WallTime other) noexcept;

/// The oldest score that still counts, as Go computes it: now less the period, rounded down to a second.
std::chrono::seconds oldest_score(WallTime now, std::chrono::milliseconds period) noexcept;

}  // namespace nodepool::go_dispatch
