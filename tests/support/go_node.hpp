#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "driver/redis/connection.hpp"
#include "nodepool/go_dispatch.hpp"
#include "nodepool/ring.hpp"

namespace nodepool::test {

/// Plays a node of go-dispatch on a real server: the same commands at the same times, and the same rules of
/// what it may run, the odd ones included. Written from what was seen on the wire. Not played: that a stopped
/// or frozen process goes on to say yes.
///
/// Thread-safe; a thread of its own does the work until `stop`, `kill` or the destructor.
class GoNode {
 public:
  GoNode(std::uint16_t port, GoDispatchLayout layout, const std::string& service,
         std::chrono::milliseconds period);
  ~GoNode() { kill(); }
  GoNode(const GoNode&) = delete;
  GoNode& operator=(const GoNode&) = delete;

  /// The name for which it answers: that of its first registration, whatever it registers later.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Its last two lists were the same.
  [[nodiscard]] bool is_steady() const;
  [[nodiscard]] bool is_eligible(const std::string& job) const;
  /// Its key ran out: it is registered under a name that it does not answer for.
  [[nodiscard]] bool has_lost_its_name() const noexcept { return lost_; }
  /// The list it goes by. Ascending.
  [[nodiscard]] std::vector<std::string> hosts() const;

  void stop();  ///< As its Stop.
  void kill();  ///< As SIGKILL.

 private:
  void run();
  void heartbeat();
  void look();
  std::optional<redis::Reply> call(const redis::Command& command);
  std::optional<std::vector<std::string>> list();  ///< None: its GetNodes returned an error.
  [[nodiscard]] std::string fresh_name() const;

  const RedisOptions server_;
  const GoDispatchLayout layout_;
  const std::string group_;
  const std::chrono::milliseconds period_;
  const std::string name_;
  std::string registered_as_;  ///< The thread's own, as the next two.
  bool registered_ = false;
  std::atomic<bool> lost_{false};
  std::optional<redis::Connection> connection_;

  mutable std::mutex mutex_;  ///< Guards what follows.
  std::condition_variable over_;
  bool wanted_ = true;
  bool steady_ = false;
  std::vector<std::string> hosts_;
  std::optional<HashRing> ring_;
  std::thread thread_;
};

}  // namespace nodepool::test
