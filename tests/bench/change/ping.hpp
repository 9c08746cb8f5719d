#pragma once

#include "nodepool/redis.hpp"
#include "parts/figures.hpp"

namespace nodepool::bench {

/// Round trips to a server on one connection, waited for as a pool waits for its replies: what the speed of a
/// change is compared with. Adds `count` to the samples; false if the server does not answer.
class Pinger {
 public:
  explicit Pinger(RedisOptions options) : options_(std::move(options)) {}
  bool ping(unsigned count, Samples& samples);

 private:
  RedisOptions options_;
};

}  // namespace nodepool::bench
