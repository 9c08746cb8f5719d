#include "cli/runner.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "cli/parts/clock_text.hpp"
#include "cli/parts/duration.hpp"
#include "cli/parts/execution.hpp"

namespace nodepool::cli {
namespace {

using std::chrono::milliseconds;

/// As shells and `env` have it; what was lacking for any process is a failure of our own.
int code_of_failed_start(int error) noexcept {
  if (error == ENOENT) return kNoSuchCommand;
  return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE ? kRunFailed
                                                                                  : kCannotExecute;
}

}  // namespace

void Runner::Alarm::operator()() const noexcept {
  const std::uint64_t one = 1;
  // It can fail only if it is readable already.
  [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);
}

Runner::Runner(RunSettings settings, const std::shared_ptr<Driver>& driver, SignalInbox& signals,
               JobProcess& process)
    : settings_(std::move(settings)),
      signals_(signals),
      process_(process),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      plan_(settings_.rules),
      random_(std::random_device{}()),
      pool_(ServiceName(settings_.pool.service), driver, pool_options()) {
  if (settings_.rules.once)
    once_.emplace(driver->open_ledger(ServiceName(settings_.pool.service)), settings_.job);
  if (!wake_) throw std::system_error(errno, std::generic_category(), "no descriptor is left");
}

/// A drain from outside leaves the command the same grace; its KILL comes before the pool's patience ends.
PoolOptions Runner::pool_options() const {
  constexpr std::chrono::seconds kLater{1};
  constexpr std::chrono::hours kMost{24};
  PoolOptions options = settings_.pool.options;
  options.drain_grace = std::min<milliseconds>(options.drain_grace + kLater, kMost);
  options.logger = line_logger("pool", settings_.log_format);
  return options;
}

int Runner::run() {
  life_ = std::jthread([this](const std::stop_token& stop) { live(stop); });
  while (true) {
    take_signals();
    take_reports();
    look_at_pool();
    const MonotonicTime now = BootClock::now();
    look_at_claim(now);
    look_for_success(now);
    const RunStep step = plan_.next(now);
    if (step.act == RunStep::Act::leave) return leave(step.code);
    if (!follow(step, now)) wait_until(step.look_at);
  }
}

/// Waits for the start, and then for the job as often as that is wanted.
void Runner::live(const std::stop_token& stop) {
  constexpr std::chrono::hours kLong{1};
  const Alarm alarm{wake_.get()};
  auto started = pool_.start(start_timeout_of(settings_.pool), stop);
  const bool good = started.has_value();
  {
    const std::lock_guard lock(mutex_);
    start_ = std::move(started);
  }
  alarm();
  while (good) {
    {
      std::unique_lock lock(mutex_);
      if (!wanted_changed_.wait(lock, stop, [this] { return job_wanted_; })) return;
    }
    const auto eligible = pool_.wait_until_eligible(settings_.job, BootClock::now() + kLong, stop);
    {
      const std::lock_guard lock(mutex_);
      job_wanted_ = false;
      pool_over_ = !eligible && eligible.error().code == ErrorCode::wrong_state;
      if (pool_over_) {
        alarm();
        return;
      }
    }
    alarm();
  }
}

void Runner::take_signals() {
  for (const ComeSignal& signal : signals_.take()) {
    if (signal.number == SIGCHLD) {
      process_.reap();
      continue;
    }
    process_.signal(signal.number);
    // A terminal that is closed means us; a HUP from a process is a message to the command.
    const bool closed = signal.number == SIGHUP && signal.by_kernel;
    if (signal.number != SIGTERM && signal.number != SIGINT && !closed) continue;
    log("signal", {{"number", std::to_string(signal.number)}});
    plan_.on_leave(signal.number, BootClock::now());
  }
}

void Runner::take_reports() {
  for (const JobReport& report : process_.take_reports()) take(report, BootClock::now());
}

void Runner::take(const JobReport& report, MonotonicTime now) {
  switch (report.kind) {
    case JobReport::Kind::started:
      return log("started", {{"pid", std::to_string(report.value)},
                             {"token", std::to_string(held_ ? held_->claim.token().value : 0)},
                             {"attempt", std::to_string(attempt())}});
    case JobReport::Kind::not_started:
      log("failed", {{"message", why_not_started(report.value)}}, LogLevel::error);
      return plan_.on_not_started(code_of_failed_start(report.value));
    case JobReport::Kind::too_late:
      return plan_.on_start_refused();
    case JobReport::Kind::told:
      return told_to_stop(report.value, now);
    case JobReport::Kind::ended:
      log("ended", {{"code", std::to_string(exit_code_of(report.value))}});
      return plan_.on_ended(exit_code_of(report.value), now);
    case JobReport::Kind::gone:
      return plan_.on_gone(now, std::uniform_real_distribution<>(0, 1)(random_));
    case JobReport::Kind::lost:
      log("failed", {{"message", "the command's guardian was killed, and the command with it"}},
          LogLevel::error);
      return plan_.on_not_started(kRunFailed);
    case JobReport::Kind::guarding:
      return;
  }
}

void Runner::told_to_stop(int signal, MonotonicTime now) {
  plan_.on_told(now);
  log("stopping", {{"reason", std::string(to_string(plan_.reason()))}, {"signal", std::to_string(signal)}});
}

void Runner::look_at_pool() {
  std::uint64_t ignored = 0;
  [[maybe_unused]] const auto read = ::read(wake_.get(), &ignored, sizeof ignored);
  std::optional<Result<void>> start;
  bool over = false;
  {
    const std::lock_guard lock(mutex_);
    start.swap(start_);
    over = pool_over_;
  }
  if (start && *start) {
    joined_ = true;
    plan_.on_joined(BootClock::now());
    log("joined");
  } else if (start) {
    log("failed", {{"message", start->error().message}}, LogLevel::error);
    plan_.on_pool_over(kRunFailed);
  }
  if (over) plan_.on_pool_over(kDone);  // Somebody has asked this node to drain.
}

void Runner::look_at_claim(MonotonicTime now) {
  if (!held_) return;
  plan_.on_lease(held_->claim.valid_until());
  if (held_->claim.hand_over_token().stop_requested()) plan_.on_hand_over(now);
}

/// True if the plan is to be asked again at once.
bool Runner::follow(const RunStep& step, MonotonicTime now) {
  switch (step.act) {
    case RunStep::Act::claim:
      return joined_ && claim(now);
    case RunStep::Act::mark:
      mark(now);
      return true;
    case RunStep::Act::record:
      record(now);
      return true;
    case RunStep::Act::start:
      start(step, now);
      return true;
    case RunStep::Act::guard:
      guard(step.order, now);
      return false;
    case RunStep::Act::release:
      held_.reset();
      plan_.on_released();
      return true;
    case RunStep::Act::rest:
    case RunStep::Act::leave:
      return false;
  }
  return false;
}

bool Runner::claim(MonotonicTime now) {
  Decision why;
  if (auto claim = pool_.try_claim(settings_.job, &why)) {
    held_.emplace(*std::move(claim), Alarm{wake_.get()});
    plan_.on_claimed(held_->claim.valid_until());
    waiting_told_ = false;
    return true;
  }
  plan_.on_not_eligible(now);
  if (plan_.next(now).act == RunStep::Act::leave) return true;
  if (!std::exchange(waiting_told_, true)) log("waiting", {{"reason", std::string(to_string(why.reason))}});
  wait_for_job();
  return false;
}

void Runner::wait_for_job() {
  {
    const std::lock_guard lock(mutex_);
    job_wanted_ = true;
  }
  wanted_changed_.notify_all();
}

/// Nothing runs here, so the store may take its second.
void Runner::mark(MonotonicTime now) {
  const auto state = once_->begin(pool_.node_name().str());
  take(state, now);
  if (!state || state->succeeded) return;
  once_attempt_ = state->attempts;
  plan_.on_marked();
}

void Runner::record(MonotonicTime now) {
  take(once_->succeed(pool_.node_name().str()), now);
}

/// Whether it has succeeded on another node, once a second.
void Runner::look_for_success(MonotonicTime now) {
  constexpr std::chrono::seconds kPause{1};
  if (!once_ || !joined_ || !plan_.is_idle() || now < look_for_success_at_) return;
  take(once_->read(), now);
  look_for_success_at_ = BootClock::now() + kPause;
}

void Runner::take(const Result<OnceState>& state, MonotonicTime now) {
  if (state) trouble_told_ = false;
  if (state && !state->succeeded) return;
  if (state) {
    log("succeeded", {{"on", state->node}, {"at", utc_text(state->at)}});
    return plan_.on_succeeded();
  }
  plan_.on_not_written(now);
  if (std::exchange(trouble_told_, true)) return;
  log("waiting", {{"reason", "the record of success cannot be read or written: " + state.error().message}},
      LogLevel::warning);
}

void Runner::start(const RunStep& step, MonotonicTime now) {
  process_.start(step.order, environment());
  limit_ = step.order;
  plan_.on_start(now);
}

void Runner::guard(const StopOrder& order, MonotonicTime now) {
  if (order != limit_) process_.limit(order);
  limit_ = order;
  // From here on it is about a guardian that is frozen, or not given the processor. Counted from when this
  // process has seen it, as both may have slept.
  if (now < order.kill_at) overdue_since_.reset();
  if (now < order.kill_at) return;
  if (!overdue_since_) overdue_since_ = now;
  constexpr std::chrono::seconds kNoHope{2};
  if (now - *overdue_since_ >= kKillSlack / 2) process_.kill_command();
  if (now - *overdue_since_ >= kNoHope) process_.give_up();
}

void Runner::wait_until(MonotonicTime look_at) {
  MonotonicTime until = look_at;
  const MonotonicTime now = BootClock::now();
  // The renewals of the lease are looked at, as nobody tells of them.
  if (held_) until = std::min<MonotonicTime>(until, now + settings_.pool.options.heartbeat / 2);
  if (once_ && joined_ && plan_.is_idle()) until = std::min(until, look_for_success_at_);
  const auto left = std::clamp<std::chrono::nanoseconds>(until - now, std::chrono::nanoseconds(0),
                                                         std::chrono::seconds(60));
  std::array<pollfd, 3> waiting{
      {{signals_.fd(), POLLIN, 0}, {process_.fd(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
  ::poll(waiting.data(), waiting.size(), static_cast<int>(std::chrono::ceil<milliseconds>(left).count()));
}

int Runner::leave(int code) {
  held_.reset();
  life_.request_stop();
  life_.join();
  pool_.stop();
  if (plan_.success_is_lost()) {
    log("failed",
        {{"message",
          "the command has succeeded, but the lease ended before that could be written down: it will be run "
          "again, by the next node or the next start"}},
        LogLevel::error);
  }
  log("left", {{"code", std::to_string(code)}});
  return code;
}

std::uint64_t Runner::attempt() const noexcept {
  return once_ ? once_attempt_ : plan_.attempt();
}

std::vector<std::string> Runner::environment() const {
  return {"NODEPOOL_SERVICE=" + settings_.pool.service,
          "NODEPOOL_NODE=" + pool_.node_name().str(),
          "NODEPOOL_JOB=" + settings_.job,
          fmt::format("NODEPOOL_TOKEN={}", held_->claim.token().value),
          fmt::format("NODEPOOL_EPOCH={}", pool_.view().stamp.epoch.value),
          fmt::format("NODEPOOL_ATTEMPT={}", attempt())};
}

void Runner::log(std::string_view event, Fields fields, LogLevel level) const {
  LogLine line{
      std::chrono::system_clock::now(),
      level,
      event,
      {{"service", settings_.pool.service}, {"node", pool_.node_name().str()}, {"job", settings_.job}}};
  line.fields.insert(line.fields.end(), std::make_move_iterator(fields.begin()),
                     std::make_move_iterator(fields.end()));
  write_line(line, settings_.log_format);
}

}  // namespace nodepool::cli
