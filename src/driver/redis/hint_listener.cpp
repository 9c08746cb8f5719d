#include "driver/redis/hint_listener.hpp"

#include <poll.h>

#include <array>
#include <utility>

#include "driver/redis/errors.hpp"
#include "driver/redis/scripts.hpp"
#include "driver/redis/step_text.hpp"

namespace nodepool::redis {
namespace {

/// A subscription silent for so long is asked for a sign of life, and given up if it gives none.
constexpr std::chrono::seconds kSilence{5};
constexpr std::chrono::seconds kPatience{2};

}  // namespace

HintListener::HintListener(const RedisOptions& options, std::shared_ptr<const TlsContext> tls,
                           const ServiceName& service, std::uint32_t seed)
    : options_(options), tls_(std::move(tls)), channel_(hint_channel(service)), back_off_(seed) {}

std::vector<Hint> HintListener::wait(MonotonicTime until, int wake_fd, Resolver& resolver) {
  bool last = false;
  while (true) {
    run_timers(resolver);
    std::array<pollfd, 2> waiting{{{transport_.fd(), transport_.awaits(), 0}, {wake_fd, POLLIN, 0}}};
    const int ready =
        ::poll(waiting.data(), waiting.size(), poll_milliseconds(std::min(until, next_timer())));
    if (ready > 0 && waiting[0].revents != 0) handle_ready();
    last = (ready > 0 && waiting[1].revents != 0) || BootClock::now() >= until;
    if (last || !hints_.empty()) return std::exchange(hints_, {});
  }
}

void HintListener::run_timers(Resolver& resolver) {
  const auto now = BootClock::now();
  if (now < next_timer()) return;
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

MonotonicTime HintListener::next_timer() const {
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

void HintListener::start_connect(Resolver& resolver) {
  const auto now = BootClock::now();
  std::optional<SocketAddress> address = server_;
  const Endpoint endpoint = endpoint_of(options_);
  if (!address) {
    if (auto addresses = resolver.resolve(endpoint, now)) address = addresses->front();
  }
  auto transport = address ? Transport::start_connect(*address, {tls_, endpoint.host})
                           : failure(ErrorCode::unavailable, {});
  if (!transport) return drop();
  transport_ = std::move(*transport);
  reader_ = ReplyReader();
  phase_ = Phase::connecting;
  phase_started_ = now;
}

void HintListener::handle_ready() {
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

bool HintListener::subscribe() {
  std::string bytes;
  for (const Command& command : authentication(options_)) bytes += encode_command(command);
  bytes += encode_command({"SUBSCRIBE", channel_});
  phase_ = Phase::subscribing;
  // A fresh socket takes a few hundred bytes at once.
  return transport_.send(bytes, BootClock::now()).has_value();
}

bool HintListener::receive() {
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

bool HintListener::handle(const Reply& reply) {
  if (reply.kind == Reply::Kind::error) {
    Error error = server_error(without_password(reply.text, options_.password), describe(options_), {});
    if (error.code == ErrorCode::permission_denied && !ever_listened_) denied_ = std::move(error);
    return false;
  }
  if (reply.kind != Reply::Kind::array || reply.items.empty()) return true;  // the answer to AUTH
  const std::string& what = reply.items[0].text;
  if (what == "subscribe") {
    phase_ = Phase::listening;
    back_off_.succeeded();
    ever_listened_ = true;
    denied_.reset();
    hints_.emplace_back();  // whatever was published before went unheard
  } else if (what == "message" && reply.items.size() == 3) {
    const auto published = read_hint(reply.items[2].text);
    if (!published) {
      hints_.emplace_back();
    } else if (published->node != own_id_ || published->hint.kind == Hint::Kind::drain) {
      hints_.push_back(published->hint);
    }
  }
  return true;
}

void HintListener::drop() {
  transport_.close();
  asked_at_.reset();
  phase_ = Phase::idle;
  back_off_.failed(BootClock::now());
}

}  // namespace nodepool::redis
