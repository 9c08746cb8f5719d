#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "support/redis_server.hpp"

namespace nodepool::test {

/// A Redis cluster of this test's own.
class RedisCluster {
 public:
  /// So many masters, who share the slots evenly, each with one replica or none. Ready: all know of all and
  /// serve. Throws std::runtime_error if that does not come about.
  RedisCluster(std::size_t masters, bool replicas);

  /// redis+cluster://<all nodes>
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] RedisServer& node(std::size_t index) { return *nodes_.at(index); }
  /// The node that serves a key's slot, as the first living node but the owner itself says.
  [[nodiscard]] std::size_t owner_of(const std::string& key) const;
  /// A replica of the node, in time with it.
  [[nodiscard]] std::size_t replica_of(std::size_t master) const;
  /// A master that is another one.
  [[nodiscard]] std::size_t master_beside(std::size_t master) const;
  /// All living nodes say that the cluster is whole, and each living master has its living replicas.
  [[nodiscard]] bool is_well() const;
  /// Moves the slot of a key, and what is in it, while everybody works with it, as `redis-cli --cluster
  /// reshard` does. And the same step by step.
  void move_slot(const std::string& key, std::size_t target);
  void begin_move(const std::string& key, std::size_t target);
  void move_keys(const std::string& key, std::size_t target);
  void end_move(const std::string& key, std::size_t target);

 private:
  [[nodiscard]] std::string id_of(std::size_t index) const;
  [[nodiscard]] bool is_alive(std::size_t index) const { return nodes_[index]->pid() > 0; }
  [[nodiscard]] std::size_t index_of_port(std::uint16_t port) const;

  std::vector<std::unique_ptr<RedisServer>> nodes_;
  std::size_t source_ = 0;  ///< Of the move under way.
};

}  // namespace nodepool::test
