#include "cli/joiner.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <thread>

#include "cli/parts/output.hpp"

namespace nodepool::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenChecks{1};
constexpr std::chrono::milliseconds kBetweenLooks{20};

/// The pool's own words, for people: nothing of it is part of the event stream.
void log_to_stderr(LogLevel level, std::string_view message, std::span<const LogField> fields) {
  // A change of the state is an event, and told as one.
  const bool told_already =
      std::any_of(fields.begin(), fields.end(), [](const LogField& field) { return field.key == "state"; });
  if (level == LogLevel::debug || (level == LogLevel::info && told_already)) return;
  std::string line = fmt::format("nodepool: {}: {}", to_string(level), message);
  for (const LogField& field : fields) line += fmt::format(" {}={}", field.key, field.value);
  line += '\n';
  [[maybe_unused]] const bool told = write_all(STDERR_FILENO, line);
}

std::vector<std::string> names_of(const View& view) {
  std::vector<std::string> names;
  for (const NodeInfo& member : view.members) names.push_back(member.name.str());
  return names;
}

}  // namespace

Joiner::Joiner(JoinSettings settings, std::shared_ptr<Driver> driver, SignalWatch& signals)
    : settings_(std::move(settings)),
      signals_(signals),
      watch_(settings_.jobs),
      pool_(ServiceName(settings_.pool.service), std::move(driver), with_listeners(settings_.pool.options)) {}

PoolOptions Joiner::with_listeners(PoolOptions options) {
  options.logger = log_to_stderr;
  options.on_state_change = [this](NodeState state, const View& view) {
    enqueue(StateEvent{std::chrono::system_clock::now(), state, view.stamp.epoch, teller()});
  };
  options.on_view_change = [this](const View& view) {
    enqueue(ViewEvent{std::chrono::system_clock::now(), view.stamp.epoch, view.settled, names_of(view),
                      teller()});
  };
  return options;
}

Teller Joiner::teller() const {
  return {pool_.node_name().str(), pool_.node_id().str()};
}

void Joiner::enqueue(const Event& event) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(event);
}

int Joiner::run() {
  std::thread life([this] { live(); });
  while (!over_) {
    print_queued();
    check_all();
    rest();
  }
  life.join();
  check_all();  // Whatever was granted to the last is revoked now.
  print_queued();
  return farewell();
}

/// Start, wait for the end, stop. A node that was asked to drain by somebody else stops by itself.
void Joiner::live() {
  const std::stop_token stop = signals_.stop_token();
  if (auto started = pool_.start(start_timeout_of(settings_.pool), stop); !started) {
    if (!stop.stop_requested()) start_error_ = std::move(started.error());
  } else {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested() && pool_.state() != NodeState::stopped) {
      never.wait_for(lock, stop, kBetweenLooks, [] { return false; });
    }
  }
  pool_.stop();
  over_ = true;
}

void Joiner::check_all() {
  const MonotonicTime now = BootClock::now();
  if (last_round_) checks_.longest = std::max(checks_.longest, now - *last_round_);
  last_round_ = now;
  ++checks_.rounds;
  teller_ = teller();
  for (std::size_t index = 0; index < watch_.size(); ++index) {
    const WallTime before = std::chrono::system_clock::now();
    const Decision decision = pool_.decide(watch_.job(index));
    const Check check{decision, before, std::chrono::system_clock::now(), BootClock::now()};
    for (const Event& event : watch_.observe(index, check, teller_)) print(event);
  }
}

void Joiner::print_queued() {
  std::vector<Event> events;
  {
    const std::lock_guard lock(mutex_);
    events.swap(queue_);
  }
  for (const Event& event : events) print(event);
}

void Joiner::print(const Event& event) {
  if (output_gone_) return;
  const std::string line = settings_.format == Format::json ? to_json(event) : to_text(event);
  if (write_all(STDOUT_FILENO, line + '\n')) return;
  output_gone_ = true;
  signals_.request_stop();
}

/// Sleeps until the next round. A reader that goes away is noticed even if there is nothing to tell.
void Joiner::rest() {
  pollfd reader{output_gone_ ? -1 : STDOUT_FILENO, 0, 0};
  const timespec time{0, std::chrono::nanoseconds(kBetweenChecks).count()};
  ::ppoll(&reader, 1, &time, nullptr);
  if ((reader.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0) return;
  output_gone_ = true;
  signals_.request_stop();
}

int Joiner::farewell() {
  if (start_error_) {
    complain(start_error_->message);
    return kFailed;
  }
  checks_.at = std::chrono::system_clock::now();
  checks_.teller = teller();
  print(checks_);
  return kDone;
}

}  // namespace nodepool::cli
