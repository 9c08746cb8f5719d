#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "driver/redis/back_off.hpp"
#include "driver/redis/connection.hpp"
#include "driver/redis/resolver.hpp"

namespace nodepool::redis {

/// A connection that is subscribed to one channel. Connects, greets and reconnects while it is waited for,
/// without ever blocking: each step is taken when poll() says that it can be. Belongs to one thread.
class Subscription {
 public:
  /// A server to listen at, and its address if that is known already.
  struct Place {
    Endpoint server;
    std::optional<SocketAddress> address = std::nullopt;
    bool operator==(const Place&) const = default;
  };
  /// What a server said when it refused this user.
  struct Denial {
    std::string server;
    std::string text;
  };
  /// A message; nothing: listening has begun (again), and whatever was published before went unheard.
  using Heard = std::optional<std::string>;

  /// Listens nowhere yet. The options (whose user listens) outlive this.
  Subscription(const RedisOptions& options, std::shared_ptr<const TlsContext> tls, std::string channel,
               std::uint32_t seed);

  /// From now on at one of these, the next one whenever one fails. A connection to elsewhere is given up.
  void listen_at(std::vector<Place> places);
  /// What has come since the last call.
  [[nodiscard]] std::vector<Heard> take();
  /// Set if no server has ever let this user listen.
  [[nodiscard]] const std::optional<Denial>& denied() const noexcept { return denied_; }

  /// Takes the steps that are due, then waits until something comes for one of the subscriptions, `wake_fd`
  /// is readable, or the time has come; true if one of the latter two. May return for nothing.
  static bool wait(std::span<Subscription* const> all, MonotonicTime until, int wake_fd, Resolver& resolver);

 private:
  enum class Phase { idle, connecting, subscribing, listening };

  void run_timers(Resolver& resolver);
  [[nodiscard]] MonotonicTime next_timer() const;
  void start_connect(Resolver& resolver);
  void handle_ready();
  bool subscribe();
  bool receive();
  bool handle(const Reply& reply);
  void close();
  void drop();  ///< After a failure.

  const RedisOptions& options_;
  std::shared_ptr<const TlsContext> tls_;
  std::string channel_;
  std::vector<Place> places_;  ///< The first is the present one.
  std::size_t attempts_ = 0;
  BackOff back_off_;
  Phase phase_ = Phase::idle;
  Transport transport_;
  ReplyReader reader_;
  MonotonicTime phase_started_{};
  MonotonicTime last_heard_{};
  std::optional<MonotonicTime> asked_at_;  ///< When a silent server was asked for a sign of life.
  bool ever_listened_ = false;
  std::optional<Denial> denied_;
  std::vector<Heard> heard_;
};

}  // namespace nodepool::redis
