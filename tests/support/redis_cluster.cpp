#include "support/redis_cluster.hpp"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>

#include "driver/redis/cluster_text.hpp"
#include "support/pools.hpp"

namespace nodepool::test {
namespace {

constexpr std::size_t kSlots = 16384;

void must(const std::string& answer) {
  if (answer.starts_with('-')) throw std::runtime_error("a node of the cluster said: " + answer);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find_first_of("\r\n"));
}

}  // namespace

RedisCluster::RedisCluster(std::size_t masters, bool replicas) {
  const std::size_t count = replicas ? 2 * masters : masters;
  for (std::size_t index = 0; index < count; ++index) {
    nodes_.push_back(std::make_unique<RedisServer>(std::vector<std::string>{
        "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0"}));
  }
  for (std::size_t index = 0; index < masters; ++index) {
    std::vector<std::string> command{"CLUSTER", "ADDSLOTS"};
    for (std::size_t slot = index * kSlots / masters; slot < (index + 1) * kSlots / masters; ++slot)
      command.push_back(std::to_string(slot));
    must(node(index).command(command));
    must(node(index).command({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(index + 1)}));
  }
  for (std::size_t index = 1; index < count; ++index)
    must(node(index).command({"CLUSTER", "MEET", "127.0.0.1", std::to_string(node(0).port())}));
  for (std::size_t index = masters; index < count; ++index) {
    const std::string master = id_of(index - masters);
    await("a node to know its master", [&] {
      return node(index).command({"CLUSTER", "REPLICATE", master}) == "OK\n";
    });
  }
  await("the cluster", [&] { return is_well(); });
}

std::string RedisCluster::url() const {
  std::string hosts;
  for (const auto& node : nodes_)
    hosts += fmt::format("{}127.0.0.1:{}", hosts.empty() ? "" : ",", node->port());
  return "redis+cluster://" + hosts;
}

std::string RedisCluster::id_of(std::size_t index) const {
  return first_line(nodes_[index]->command({"CLUSTER", "MYID"}));
}

std::size_t RedisCluster::index_of_port(std::uint16_t port) const {
  for (std::size_t index = 0; index < nodes_.size(); ++index) {
    if (nodes_[index]->port() == port) return index;
  }
  throw std::runtime_error(fmt::format("no node of the cluster has port {}", port));
}

std::size_t RedisCluster::owner_of(const std::string& key) const {
  for (std::size_t index = 0; index < nodes_.size(); ++index) {
    if (!is_alive(index)) continue;
    const std::string answer = nodes_[index]->command({"EXISTS", key});
    const auto moved =
        redis::read_redirection(first_line(answer).substr(answer.starts_with('-') ? 1 : 0), {});
    if (!moved) return index;
    return index_of_port(moved->target.port);
  }
  throw std::runtime_error("no node of the cluster lives");
}

std::size_t RedisCluster::replica_of(std::size_t master) const {
  const std::string port = fmt::format("master_port:{}\r", nodes_[master]->port());
  for (std::size_t index = 0; index < nodes_.size(); ++index) {
    if (index == master || !is_alive(index)) continue;
    if (nodes_[index]->command({"INFO", "replication"}).find(port) != std::string::npos) return index;
  }
  throw std::runtime_error("the master has no replica");
}

std::size_t RedisCluster::master_beside(std::size_t master) const {
  for (std::size_t index = 0; index < nodes_.size(); ++index) {
    if (index == master || !is_alive(index)) continue;
    if (nodes_[index]->command({"INFO", "replication"}).find("role:master") != std::string::npos)
      return index;
  }
  throw std::runtime_error("the cluster has no other master");
}

bool RedisCluster::is_well() const {
  for (std::size_t index = 0; index < nodes_.size(); ++index) {
    if (!is_alive(index)) continue;
    const std::string info = nodes_[index]->command({"CLUSTER", "INFO"});
    const std::string role = nodes_[index]->command({"INFO", "replication"});
    if (info.find("cluster_state:ok") == std::string::npos) return false;
    if (info.find(fmt::format("cluster_known_nodes:{}", nodes_.size())) == std::string::npos) return false;
    if (role.find("role:slave") != std::string::npos &&
        role.find("master_link_status:up") == std::string::npos)
      return false;
  }
  return true;
}

void RedisCluster::move_slot(const std::string& key, std::size_t target) {
  begin_move(key, target);
  move_keys(key, target);
  end_move(key, target);
}

void RedisCluster::begin_move(const std::string& key, std::size_t target) {
  const std::size_t source = owner_of(key);
  const std::string slot = std::to_string(redis::slot_of(key));
  must(node(target).command({"CLUSTER", "SETSLOT", slot, "IMPORTING", id_of(source)}));
  must(node(source).command({"CLUSTER", "SETSLOT", slot, "MIGRATING", id_of(target)}));
  source_ = source;
}

void RedisCluster::move_keys(const std::string& key, std::size_t target) {
  const std::string slot = std::to_string(redis::slot_of(key));
  while (true) {
    const auto keys = lines_of(node(source_).command({"CLUSTER", "GETKEYSINSLOT", slot, "10"}));
    if (keys.empty()) return;
    std::vector<std::string> migrate{"MIGRATE", "127.0.0.1", std::to_string(node(target).port()), "", "0",
                                     "5000",    "KEYS"};
    migrate.insert(migrate.end(), keys.begin(), keys.end());
    must(node(source_).command(migrate));
  }
}

void RedisCluster::end_move(const std::string& key, std::size_t target) {
  const std::string slot = std::to_string(redis::slot_of(key));
  must(node(target).command({"CLUSTER", "SETSLOT", slot, "NODE", id_of(target)}));
  must(node(source_).command({"CLUSTER", "SETSLOT", slot, "NODE", id_of(target)}));
}

}  // namespace nodepool::test
