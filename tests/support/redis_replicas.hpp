#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/redis_server.hpp"
#include "support/tcp_gate.hpp"

namespace nodepool::test {

/// Redis with Sentinels, all of this test's own: a master, two replicas and three Sentinels. Each server is
/// known to all others, and to whoever asks a Sentinel, by a gate: to close it is to cut the server off from
/// everybody but those who come to its own port.
class RedisReplicas {
 public:
  static constexpr std::size_t kServers = 3;
  static constexpr std::size_t kSentinels = 3;
  static constexpr const char* kName = "themaster";

  /// Ready: the replicas follow, and the Sentinels know of them and of each other. `settings` go to every
  /// server. Throws std::runtime_error if that does not come about.
  explicit RedisReplicas(const std::vector<std::string>& settings = {});

  /// redis+sentinel://<all Sentinels>/<name>
  [[nodiscard]] std::string url() const;
  [[nodiscard]] RedisServer& server(std::size_t index) { return *servers_.at(index); }
  [[nodiscard]] RedisServer& sentinel(std::size_t index) { return *sentinels_.at(index); }
  [[nodiscard]] TcpGate& gate(std::size_t index) { return *gates_.at(index); }
  /// The server that is the master as most Sentinels say; none if they do not agree.
  [[nodiscard]] std::optional<std::size_t> master() const;
  /// Whether so many replicas follow the server, and confirm what they get.
  [[nodiscard]] bool has_replicas(std::size_t index, std::size_t count) const;
  /// Cuts a server off from the others, or lets it come back.
  void isolate(std::size_t index);
  void rejoin(std::size_t index);

 private:
  void start_sentinels();
  void hurry();

  std::vector<std::unique_ptr<RedisServer>> servers_;
  std::vector<std::unique_ptr<TcpGate>> gates_;
  std::vector<std::unique_ptr<RedisServer>> sentinels_;
};

}  // namespace nodepool::test
