#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "driver/common/descriptor.hpp"

namespace nodepool::test {

/// A stretch of network between one node and its server: a port of this machine that leads to another, and
/// that can be cut, slowed, closed and led elsewhere while connections run through it.
///
/// What runs into a cut is not forgotten but kept, in order, and goes on when the cut is healed, as by the
/// retransmissions of a real network: late requests do reach the server, even those of a client that has
/// given up since. Members are thread-safe; the bytes are moved by a thread of the gate's own, and an order
/// is in force when the member that gives it returns.
class TcpGate {
 public:
  struct Weather {
    bool requests_pass = true;           ///< From the node to the server.
    bool replies_pass = true;            ///< From the server to the node.
    std::chrono::milliseconds delay{0};  ///< Each way.
    bool accepts = true;                 ///< False: new connections are refused.
    bool operator==(const Weather&) const = default;
  };

  /// Throws std::runtime_error if there is no free port.
  explicit TcpGate(std::uint16_t server_port);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// From now on it is like this, for the connections under way too.
  void set(const Weather& weather);
  /// Resets all connections and forgets what is under way on them.
  void reset_connections();
  /// From now on connections lead there; those under way are reset.
  void lead_to(std::uint16_t server_port);

 private:
  class Traffic;
  struct Orders {
    Weather weather;
    std::uint16_t server_port = 0;
    std::uint64_t resets = 0;
    std::uint64_t number = 0;  ///< Of this order.
  };
  void give(const std::function<void(Orders&)>& change);
  [[nodiscard]] Orders orders();
  void obeyed(std::uint64_t number);
  void run(const std::stop_token& stop);
  void wake() const noexcept;

  std::mutex mutex_;
  std::condition_variable done_;
  Orders orders_;             ///< Guarded by mutex_.
  std::uint64_t obeyed_ = 0;  ///< The number of the last order in force; guarded by mutex_.
  std::uint16_t port_ = 0;
  driver::Descriptor listener_;  ///< The thread's own.
  driver::Descriptor wake_;
  std::jthread thread_;
};

}  // namespace nodepool::test
