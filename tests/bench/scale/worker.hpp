#pragma once

#include "scale/crowd.hpp"

namespace nodepool::bench {

/// What a worker is told through its pipe.
struct Order {
  enum class Kind { start, stop };
  Kind kind = Kind::start;
  Range nodes;
};

/// A process of a crowd: carries out orders until its pipe is closed. `told` has a place for each node.
void run_worker(const Crowd::Settings& settings, Told* told, int orders);

[[nodiscard]] std::uint64_t pack(NodeState state, Epoch epoch) noexcept;
[[nodiscard]] Standings unpack(std::uint64_t standing, std::int64_t since_ns) noexcept;

}  // namespace nodepool::bench
