#include "support/redis_replicas.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "support/pools.hpp"

namespace nodepool::test {
namespace {

/// A port that leads to another server later: the server's own is known only once it runs.
std::unique_ptr<TcpGate> gate_to_nowhere() {
  return std::make_unique<TcpGate>(std::uint16_t{1});
}

}  // namespace

RedisReplicas::RedisReplicas(const std::vector<std::string>& settings) {
  for (std::size_t index = 0; index < kServers; ++index) {
    gates_.push_back(gate_to_nowhere());
    std::vector<std::string> arguments{"--replica-announce-ip",      "127.0.0.1",
                                       "--replica-announce-port",    std::to_string(gates_.back()->port()),
                                       "--repl-diskless-sync-delay", "0"};
    arguments.insert(arguments.end(), settings.begin(), settings.end());
    if (index > 0) {
      arguments.emplace_back("--replicaof");
      arguments.push_back(fmt::format("127.0.0.1 {}", gates_.front()->port()));
    }
    servers_.push_back(std::make_unique<RedisServer>(arguments));
    gates_.back()->lead_to(servers_.back()->port());
  }
  await("the replicas", [&] { return has_replicas(0, kServers - 1); });
  start_sentinels();
}

void RedisReplicas::start_sentinels() {
  for (std::size_t index = 0; index < kSentinels; ++index) {
    sentinels_.push_back(std::make_unique<RedisServer>(
        RedisServer::SentinelFile{fmt::format("sentinel monitor {0} 127.0.0.1 {1} 2\n"
                                              "sentinel down-after-milliseconds {0} 500\n"
                                              "sentinel failover-timeout {0} 1500\n",
                                              kName, gates_.front()->port())}));
    hurry();
  }
  for (const auto& sentinel : sentinels_) {
    await("the Sentinels to know all", [&] {
      const std::string known = sentinel->command({"SENTINEL", "MASTER", kName});
      return known.find("num-slaves\n2\n") != std::string::npos &&
             known.find("num-other-sentinels\n2\n") != std::string::npos;
    });
  }
}

/// Sentinels look around every second or two; those that can (from 7.0 on) do it more often here. Only the
/// first asks the others more often: if all did, they would stand for election at once, each with a vote of
/// its own, and try again seconds later.
void RedisReplicas::hurry() {
  std::vector<std::string> command{"SENTINEL",       "DEBUG", "info-period", "200",
                                   "publish-period", "200",   "ping-period", "100"};
  if (sentinels_.size() == 1) command.insert(command.end(), {"ask-period", "100"});
  (void)sentinels_.back()->command(command);
}

std::string RedisReplicas::url() const {
  std::string hosts;
  for (const auto& sentinel : sentinels_)
    hosts += fmt::format("{}127.0.0.1:{}", hosts.empty() ? "" : ",", sentinel->port());
  return fmt::format("redis+sentinel://{}/{}", hosts, kName);
}

std::optional<std::size_t> RedisReplicas::master() const {
  std::vector<std::size_t> votes(kServers);
  for (const auto& sentinel : sentinels_) {
    const auto address = sentinel->command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", kName});
    for (std::size_t index = 0; index < kServers; ++index) {
      if (address == fmt::format("127.0.0.1\n{}\n", gates_[index]->port())) ++votes[index];
    }
  }
  for (std::size_t index = 0; index < kServers; ++index) {
    if (votes[index] > kSentinels / 2) return index;
  }
  return std::nullopt;
}

bool RedisReplicas::has_replicas(std::size_t index, std::size_t count) const {
  const std::string info = servers_[index]->command({"INFO", "replication"});
  std::size_t confirming = 0;
  for (auto at = info.find("state=online,offset="); at != std::string::npos;
       at = info.find("state=online,offset=", at + 1)) {
    // Until its first word, which takes up to a second, a replica counts as one that has nothing.
    if (!info.substr(at).starts_with("state=online,offset=0,")) ++confirming;
  }
  return confirming >= count;
}

void RedisReplicas::isolate(std::size_t index) {
  gates_[index]->set({.requests_pass = false, .replies_pass = false});
}

void RedisReplicas::rejoin(std::size_t index) {
  gates_[index]->set({});
}

}  // namespace nodepool::test
