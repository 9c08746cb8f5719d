#include "cli/cron_daemon.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <system_error>
#include <utility>

#include "cli/command.hpp"
#include "cli/parts/clock_text.hpp"
#include "cli/parts/cron_source.hpp"
#include "cli/parts/execution.hpp"

namespace nodepool::cli {
namespace {

LogLevel level_of(cron::Outcome outcome) noexcept {
  switch (outcome) {
    case cron::Outcome::succeeded:
      return LogLevel::info;
    case cron::Outcome::stopped:
    case cron::Outcome::missed:
    case cron::Outcome::overlapped:
      return LogLevel::warning;
    case cron::Outcome::failed:
    case cron::Outcome::timed_out:
    case cron::Outcome::lost:
      return LogLevel::error;
  }
  return LogLevel::error;
}

std::string time_taken(const cron::HistoryEntry& entry) {
  const auto took = entry.ended.value_or(*entry.started) - *entry.started;
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
}

}  // namespace

CronDaemon::CronDaemon(CronSettings settings, const std::shared_ptr<Driver>& driver, SignalInbox& signals,
                       Nursery& nursery)
    : settings_(std::move(settings)),
      signals_(signals),
      nursery_(nursery),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      watch_(settings_.input.path),
      pool_(std::make_shared<NodePool>(ServiceName(settings_.pool.service), driver, settings_.pool.options)),
      scheduler_(pool_, driver, ServiceName(settings_.pool.service), scheduler_options()) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "no descriptor is left");
}

cron::SchedulerOptions CronDaemon::scheduler_options() const {
  cron::SchedulerOptions options;
  options.most_runs = settings_.most_runs;
  options.on_entry = [this](const std::string& job, const cron::HistoryEntry& entry) { tell(job, entry); };
  return options;
}

int CronDaemon::run(const CronFile& file) {
  for (const CronEntry& entry : file.entries) {
    if (auto added = scheduler_.add(job_of(entry)); !added) return fail(added.error());
  }
  begin_start();
  bool joined = false;
  while (true) {
    take_signals();
    if (const auto start = take_start()) {
      if (!*start) {
        log("failed", {{"message", start->error().message}}, LogLevel::error);
        return leave(kFailed);
      }
      joined = true;
      log("joined", {{"jobs", std::to_string(file.entries.size())}});
    }
    if (joined && pool_->state() == NodeState::stopped) leaving_ = true;  // Drained from outside.
    if (nursery_.is_gone()) {
      log("failed", {{"message", kNoNursery}}, LogLevel::error);
      return leave(kFailed);
    }
    if (leaving_) return leave(kDone);
    if (settings_.input.path != kStandardInput && watch_.has_changed()) reload("the file has changed");
    wait();
  }
}

/// The pool first, and then the scheduler: so that the pool finds a new store as new.
void CronDaemon::begin_start() {
  life_ = std::jthread([this](const std::stop_token& stop) {
    auto started = pool_->start(start_timeout_of(settings_.pool), stop);
    if (started) started = scheduler_.start();
    {
      const std::lock_guard lock(mutex_);
      start_ = std::move(started);
    }
    ::eventfd_write(wake_.get(), 1);
  });
}

std::optional<Result<void>> CronDaemon::take_start() {
  eventfd_t ignored = 0;
  ::eventfd_read(wake_.get(), &ignored);
  const std::lock_guard lock(mutex_);
  return std::exchange(start_, std::nullopt);
}

void CronDaemon::take_signals() {
  for (const ComeSignal& signal : signals_.take()) {
    if (signal.number == SIGHUP && !signal.by_kernel) {
      reload("SIGHUP");
    } else if (signal.number == SIGTERM || signal.number == SIGINT || signal.number == SIGHUP) {
      log("signal", {{"number", std::to_string(signal.number)}});
      if (std::exchange(leaving_, true)) hurry_.request_stop();
    }
  }
}

/// All of the new file, or nothing of it.
void CronDaemon::reload(std::string_view why) {
  const CronInput& input = settings_.input;
  if (input.path == kStandardInput) return;
  watch_.renew();
  const auto refuse = [&](const std::string& what) {
    log("refused", {{"why", std::string(why)}, {"message", what + "; the jobs stay as they are"}},
        LogLevel::error);
  };
  const auto text = read_cron_text(input.path);
  if (!text) return refuse(text.error().message);
  const auto file = parse_cron_file(*text, input.format.value_or(cron_format_of(input.path)), input.options);
  if (!file) {
    for (const FileFault& fault : file.error()) refuse(to_text(fault, input.path));
    return;
  }
  std::vector<cron::JobSpec> jobs;
  for (const CronEntry& entry : file->entries) jobs.push_back(job_of(entry));
  if (auto replaced = scheduler_.replace(std::move(jobs)); !replaced) return refuse(replaced.error().message);
  log("reloaded", {{"why", std::string(why)}, {"jobs", std::to_string(file->entries.size())}});
}

void CronDaemon::wait() {
  constexpr int kLookAtFile = 500;  // ms
  std::array<pollfd, 2> waiting{{{signals_.fd(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
  ::poll(waiting.data(), waiting.size(), kLookAtFile);
}

/// What runs may end in peace, unless somebody asks again.
int CronDaemon::leave(int code) {
  life_.request_stop();
  std::atomic<bool> is_over = false;
  std::jthread leaving([&] {
    life_.join();
    scheduler_.stop(settings_.pool.options.drain_grace);
    pool_->stop();
    is_over = true;
    ::eventfd_write(wake_.get(), 1);
  });
  while (!is_over) {
    wait();
    (void)take_start();
    take_signals();
  }
  log("left", {{"code", std::to_string(code)}});
  return code;
}

cron::JobSpec CronDaemon::job_of(const CronEntry& entry) {
  return {entry.name, entry.schedule, [this, entry](cron::JobRun& run) { run_command(entry, run); },
          entry.policy};
}

/// On a thread of the scheduler.
void CronDaemon::run_command(const CronEntry& entry, cron::JobRun& run) {
  log("started", {{"job", run.job()},
                  {"scheduled", utc_text(run.scheduled())},
                  {"attempt", std::to_string(run.attempt())},
                  {"token", std::to_string(run.token().value)}});
  std::stop_source stop;
  const auto ask_to_stop = [&] { stop.request_stop(); };
  const std::stop_callback by_scheduler(run.stop_token(), ask_to_stop);
  const std::stop_callback by_hurry(hurry_.get_token(), ask_to_stop);
  GuardedRules rules;
  rules.stop = stop.get_token();
  rules.valid_until = [&] { return run.valid_until(); };
  rules.grace = entry.grace;
  rules.lease_grace = settings_.lease_grace;
  rules.look = settings_.pool.options.heartbeat / 2;
  rules.tail = cron::kMaxDetail;
  if (settings_.show_output) {
    rules.on_output = [&](std::string_view line) {
      log("output", {{"job", run.job()}, {"line", std::string(line)}});
    };
  }
  const CommandEnd end = run_guarded(nursery_, command_of(entry, run), rules);
  if (end.lease_ended) return run.give_up(end.not_started.value_or("stopped, as the lease was about to end"));
  if (end.not_started) return run.fail(*end.not_started);
  if (end.code == 0) return run.note(end.tail);
  const std::string how = end.code > kSignalled ? fmt::format("ended by signal {}", end.code - kSignalled)
                                                : fmt::format("exit code {}", end.code);
  run.fail(end.tail.empty() ? how : fmt::format("{}\n{}", end.tail, how));
}

GuardedCommand CronDaemon::command_of(const CronEntry& entry, const cron::JobRun& run) const {
  GuardedCommand command{.words = entry.command.words,
                         .user = entry.command.user,
                         .directory = entry.command.directory,
                         .environment = entry.command.environment,
                         .input = entry.command.input};
  for (const std::string& variable :
       {"NODEPOOL_SERVICE=" + settings_.pool.service, "NODEPOOL_NODE=" + pool_->node_name().str(),
        "NODEPOOL_JOB=" + run.job(), fmt::format("NODEPOOL_TOKEN={}", run.token().value),
        fmt::format("NODEPOOL_EPOCH={}", pool_->view().stamp.epoch.value),
        fmt::format("NODEPOOL_ATTEMPT={}", run.attempt()),
        "NODEPOOL_SCHEDULED_AT=" + utc_text(run.scheduled())}) {
    command.environment.push_back(variable);
  }
  return command;
}

void CronDaemon::tell(const std::string& job, const cron::HistoryEntry& entry) const {
  Fields fields{{"job", job}, {"scheduled", utc_text(entry.scheduled)}};
  if (entry.started) {
    fields.insert(fields.end(), {{"outcome", std::string(to_string(entry.outcome))},
                                 {"attempt", std::to_string(entry.attempt)},
                                 {"took_ms", time_taken(entry)}});
  } else {
    fields.emplace_back("count", std::to_string(entry.count));
  }
  if (entry.outcome != cron::Outcome::succeeded && !entry.detail.empty()) {
    fields.emplace_back("detail", entry.detail.substr(entry.detail.rfind('\n') + 1));
  }
  log(entry.started ? "ended" : to_string(entry.outcome), std::move(fields), level_of(entry.outcome));
}

void CronDaemon::log(std::string_view event, Fields fields, LogLevel level) const {
  LogLine line{std::chrono::system_clock::now(),
               level,
               event,
               {{"service", settings_.pool.service}, {"node", pool_->node_name().str()}}};
  line.fields.insert(line.fields.end(), std::make_move_iterator(fields.begin()),
                     std::make_move_iterator(fields.end()));
  write_line(line, settings_.log_format);
}

}  // namespace nodepool::cli
