#include "driver/redis/subscription.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "driver/redis/errors.hpp"

namespace nodepool::redis {
namespace {

/// A subscription silent for so long is asked for a sign of life, and given up if it gives none.
constexpr std::chrono::seconds kSilence{5};
constexpr std::chrono::seconds kPatience{2};

}  // namespace

Subscription::Subscription(const RedisOptions& options, std::shared_ptr<const TlsContext> tls,
                           std::string channel, std::uint32_t seed)
    : options_(options), tls_(std::move(tls)), channel_(std::move(channel)), back_off_(seed) {}

void Subscription::listen_at(std::vector<Place> places) {
  if (places == places_) return;
  places_ = std::move(places);
  denied_.reset();
  close();
  back_off_.succeeded();  // the new server has not failed yet
}

std::vector<Subscription::Heard> Subscription::take() {
  return std::exchange(heard_, {});
}

bool Subscription::wait(std::span<Subscription* const> all, MonotonicTime until, int wake_fd,
                        Resolver& resolver) {
  std::vector<pollfd> waiting{{wake_fd, POLLIN, 0}};
  MonotonicTime next = until;
  for (Subscription* each : all) {
    each->run_timers(resolver);
    next = std::min(next, each->next_timer());
    waiting.push_back({each->transport_.fd(), each->transport_.awaits(), 0});
  }
  const int ready = ::poll(waiting.data(), waiting.size(), poll_milliseconds(next));
  for (std::size_t index = 0; ready > 0 && index < all.size(); ++index) {
    if (waiting[index + 1].revents != 0) all[index]->handle_ready();
  }
  return (ready > 0 && waiting[0].revents != 0) || BootClock::now() >= until;
}

void Subscription::run_timers(Resolver& resolver) {
  const auto now = BootClock::now();
  if (places_.empty() || now < next_timer()) return;
  switch (phase_) {
    case Phase::idle:
      start_connect(resolver);
      return;
    case Phase::connecting:
    case Phase::subscribing:
      drop();
      return;
    case Phase::listening:
      // What has come while nobody waited is read before the server is judged by its silence.
      if (transport_.is_stale()) {
        handle_ready();
      } else if (asked_at_ || !transport_.send(encode_command({"PING"}), now)) {
        drop();
      } else {
        asked_at_ = now;
      }
      return;
  }
}

MonotonicTime Subscription::next_timer() const {
  if (places_.empty()) return MonotonicTime::max();
  switch (phase_) {
    case Phase::idle:
      return back_off_.next_attempt();
    case Phase::connecting:
    case Phase::subscribing:
      return phase_started_ + options_.connect_timeout;
    case Phase::listening:
      return asked_at_ ? *asked_at_ + kPatience : last_heard_ + kSilence;
  }
  return phase_started_;
}

void Subscription::start_connect(Resolver& resolver) {
  const auto now = BootClock::now();
  const Endpoint& server = places_.front().server;
  auto address = places_.front().address;
  if (!address) {
    // A name may have several, of which some do not work.
    if (auto addresses = resolver.resolve(server, now))
      address = (*addresses)[attempts_++ % addresses->size()];
  }
  auto transport =
      address ? Transport::start_connect(*address, {tls_, server.host}) : failure(ErrorCode::unavailable, {});
  if (!transport) return drop();
  transport_ = std::move(*transport);
  reader_ = ReplyReader();
  phase_ = Phase::connecting;
  phase_started_ = now;
}

void Subscription::handle_ready() {
  bool good = false;
  switch (phase_) {
    case Phase::idle:
      return;
    case Phase::connecting: {
      const auto connected = transport_.continue_connect();
      good = connected && (!*connected || subscribe());
      break;
    }
    case Phase::subscribing:
    case Phase::listening:
      good = receive();
      break;
  }
  if (!good) drop();
}

bool Subscription::subscribe() {
  std::string bytes;
  for (const Command& command : authentication(options_)) bytes += encode_command(command);
  bytes += encode_command({"SUBSCRIBE", channel_});
  phase_ = Phase::subscribing;
  // A fresh socket takes a few hundred bytes at once.
  return transport_.send(bytes, BootClock::now()).has_value();
}

bool Subscription::receive() {
  std::array<char, 16384> buffer{};
  do {
    const auto received = transport_.try_receive(buffer);
    if (!received) return false;
    if (*received == 0) break;
    reader_.feed({buffer.data(), *received});
  } while (transport_.is_pending());
  last_heard_ = BootClock::now();
  asked_at_.reset();
  while (true) {
    const auto reply = reader_.next();
    if (!reply) return false;
    if (!reply->has_value()) return true;
    if (!handle(**reply)) return false;
  }
}

bool Subscription::handle(const Reply& reply) {
  if (reply.kind == Reply::Kind::error) {
    Denial denial{describe(places_.front().server, options_),
                  without_password(reply.text, options_.password)};
    const bool refused = server_error(denial.text, {}, {}).code == ErrorCode::permission_denied;
    if (refused && !ever_listened_) denied_ = std::move(denial);
    return false;
  }
  if (reply.kind != Reply::Kind::array || reply.items.empty()) return true;  // the answer to AUTH
  const std::string& what = reply.items[0].text;
  if (what == "subscribe") {
    phase_ = Phase::listening;
    back_off_.succeeded();
    ever_listened_ = true;
    denied_.reset();
    heard_.emplace_back();
  } else if (what == "message" && reply.items.size() == 3) {
    heard_.emplace_back(reply.items[2].text);
  }
  return true;
}

void Subscription::close() {
  transport_.close();
  asked_at_.reset();
  phase_ = Phase::idle;
}

void Subscription::drop() {
  close();
  back_off_.failed(BootClock::now());
  if (places_.size() > 1) std::rotate(places_.begin(), places_.begin() + 1, places_.end());
}

}  // namespace nodepool::redis
