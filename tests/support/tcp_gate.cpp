#include "support/tcp_gate.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <deque>
#include <list>
#include <stdexcept>
#include <string>
#include <vector>

namespace nodepool::test {
namespace {

using driver::Descriptor;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A bound socket that does not listen yet; port 0: any. Empty if the port is taken.
Descriptor bound_socket(std::uint16_t port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return {};
  return socket;
}

std::uint16_t port_of(const Descriptor& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

/// A port chosen by the kernel would be given back when the socket stops listening; one asked for stays ours.
Descriptor socket_that_keeps_its_port() {
  constexpr int kAttempts = 20;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Descriptor any = bound_socket(0);
    const std::uint16_t port = any ? port_of(any) : std::uint16_t{0};
    any.reset();
    if (port == 0) continue;
    if (Descriptor ours = bound_socket(port)) return ours;
  }
  throw std::runtime_error("no free port for a gate");
}

void make_prompt(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/// Closing it will be a reset, not an orderly end.
void make_abrupt(int socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/// Empty if nobody listens there. On this machine, a connection comes about at once or not at all.
Descriptor connect_to(std::uint16_t port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return {};
  make_prompt(socket.get());
  return socket;
}

/// One direction of one connection.
struct Flow {
  struct Piece {
    MonotonicTime due;
    std::string bytes;
  };
  int from = -1;
  int to = -1;
  std::deque<Piece> under_way;
  bool ended = false;  ///< No more will come.
  bool told = false;   ///< And the other side knows.
  MonotonicTime end_due;

  /// What to wait for on `from` and on `to`.
  [[nodiscard]] bool wants_input() const { return !ended; }
  [[nodiscard]] bool is_due(MonotonicTime now) const {
    if (told) return false;
    return under_way.empty() ? ended && end_due <= now : under_way.front().due <= now;
  }
  [[nodiscard]] MonotonicTime next_due() const {
    if (told) return MonotonicTime::max();
    if (!under_way.empty()) return under_way.front().due;
    return ended ? end_due : MonotonicTime::max();
  }
  void take_in(MonotonicTime due);
  void pass_on(MonotonicTime now);
};

void Flow::take_in(MonotonicTime due) {
  std::array<char, 16384> buffer{};
  const ssize_t size = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size > 0) {
    under_way.push_back({due, std::string(buffer.data(), static_cast<std::size_t>(size))});
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    ended = true;
    end_due = due;
  }
}

void Flow::pass_on(MonotonicTime now) {
  while (!under_way.empty() && under_way.front().due <= now) {
    std::string& bytes = under_way.front().bytes;
    const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (sent < 0) {  // Nobody is left there: the rest of this direction is of no use to anybody.
      under_way.clear();
      ended = told = true;
      return;
    }
    bytes.erase(0, static_cast<std::size_t>(sent));
    if (bytes.empty()) under_way.pop_front();
  }
  if (under_way.empty() && ended && end_due <= now) {
    ::shutdown(to, SHUT_WR);
    told = true;
  }
}

struct Line {
  Descriptor client;
  Descriptor server;
  Flow requests;
  Flow replies;
};

}  // namespace

/// The connections, and what is done to them in one round.
class TcpGate::Traffic {
 public:
  void obey(const Orders& orders, int listener) {
    if (orders.weather.accepts != listening_) {
      listening_ = orders.weather.accepts;
      if (listening_) {
        ::listen(listener, SOMAXCONN);
      } else {
        ::shutdown(listener, SHUT_RD);  // Stops listening, and keeps the port.
      }
    }
    if (orders.resets != orders_.resets) {
      for (const Line& line : lines_) {
        make_abrupt(line.client.get());
        make_abrupt(line.server.get());
      }
      lines_.clear();
    }
    orders_ = orders;
  }

  void wait(int wake, int listener) {
    const auto now = BootClock::now();
    waiting_ = {{wake, POLLIN, 0}, {listening_ ? listener : -1, POLLIN, 0}};
    MonotonicTime until = now + std::chrono::seconds(1);
    for (const Line& line : lines_) {
      short client = 0;
      short server = 0;
      prepare(line.requests, orders_.weather.requests_pass, now, client, server, until);
      prepare(line.replies, orders_.weather.replies_pass, now, server, client, until);
      // A descriptor of which nothing is wanted is left out: its hang-up would end each wait at once.
      waiting_.push_back({client == 0 ? -1 : line.client.get(), client, 0});
      waiting_.push_back({server == 0 ? -1 : line.server.get(), server, 0});
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now);
    ::poll(waiting_.data(), waiting_.size(), static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  }

  void move(int wake, int listener) {
    std::uint64_t ignored = 0;
    if (waiting_[0].revents != 0 && ::read(wake, &ignored, sizeof(ignored)) < 0) return;
    const auto now = BootClock::now();
    const auto due = now + orders_.weather.delay;
    std::size_t index = 2;
    for (Line& line : lines_) {
      if (waiting_[index].revents != 0 && line.requests.wants_input()) line.requests.take_in(due);
      if (waiting_[index + 1].revents != 0 && line.replies.wants_input()) line.replies.take_in(due);
      index += 2;
      if (orders_.weather.requests_pass) line.requests.pass_on(now);
      if (orders_.weather.replies_pass) line.replies.pass_on(now);
    }
    lines_.remove_if([](const Line& line) { return line.requests.told && line.replies.told; });
    if (waiting_[1].revents != 0) accept(listener);
  }

 private:
  static void prepare(const Flow& flow, bool passes, MonotonicTime now, short& from, short& to,
                      MonotonicTime& until) {
    if (flow.wants_input()) from |= POLLIN;
    if (!passes) return;
    if (flow.is_due(now)) {
      to |= POLLOUT;
    } else {
      until = std::min(until, flow.next_due());
    }
  }

  void accept(int listener) {
    Descriptor client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    make_prompt(client.get());
    Descriptor server = connect_to(orders_.server_port);
    if (!server) return make_abrupt(client.get());
    Line line{std::move(client), std::move(server), {}, {}};
    line.requests.from = line.replies.to = line.client.get();
    line.requests.to = line.replies.from = line.server.get();
    lines_.push_back(std::move(line));
  }

  Orders orders_;
  bool listening_ = true;  ///< As the constructor has left it.
  std::list<Line> lines_;
  std::vector<pollfd> waiting_;
};

TcpGate::TcpGate(std::uint16_t server_port)
    : listener_(socket_that_keeps_its_port()), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  port_ = port_of(listener_);
  orders_.server_port = server_port;
  ::listen(listener_.get(), SOMAXCONN);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

TcpGate::~TcpGate() {
  thread_.request_stop();
  wake();
}

void TcpGate::run(const std::stop_token& stop) {
  Traffic traffic;
  while (!stop.stop_requested()) {
    const Orders now = orders();
    traffic.obey(now, listener_.get());
    obeyed(now.number);
    traffic.wait(wake_.get(), listener_.get());
    traffic.move(wake_.get(), listener_.get());
  }
}

TcpGate::Orders TcpGate::orders() {
  const std::lock_guard lock(mutex_);
  return orders_;
}

void TcpGate::obeyed(std::uint64_t number) {
  {
    const std::lock_guard lock(mutex_);
    obeyed_ = number;
  }
  done_.notify_all();
}

void TcpGate::give(const std::function<void(Orders&)>& change) {
  std::unique_lock lock(mutex_);
  change(orders_);
  const std::uint64_t number = ++orders_.number;
  wake();
  done_.wait(lock, [&] { return obeyed_ >= number; });
}

void TcpGate::set(const Weather& weather) {
  give([&](Orders& orders) { orders.weather = weather; });
}

void TcpGate::reset_connections() {
  give([](Orders& orders) { ++orders.resets; });
}

void TcpGate::lead_to(std::uint16_t server_port) {
  give([&](Orders& orders) {
    orders.server_port = server_port;
    ++orders.resets;
  });
}

void TcpGate::wake() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
}

}  // namespace nodepool::test
