#include "cron_soak/fleet.hpp"

#include <fmt/format.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "cli/parts/clock_text.hpp"
#include "cli/parts/cron_file.hpp"
#include "nodepool/redis.hpp"

namespace nodepool::cron_soak {
namespace {

using namespace std::chrono_literals;

constexpr const char* kService = "cron";
constexpr auto kPatience = 60s;

/// How each kind of job is run; the last one overlaps itself all the time.
constexpr const char* kKinds[] = {
    R"(missed = "all", overlap = "queue")",  R"(missed = "once")",
    R"(missed = "skip", overlap = "queue")", R"(missed = "all", overlap = "allow")",
    R"(missed = "all", overlap = "forbid")",
};

std::string read_all(const std::string& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

DaemonFleet::DaemonFleet(unsigned daemons, unsigned jobs, std::uint64_t seed)
    : random_(seed), jobs_(jobs), begun_(BootClock::now()) {
  write_file(jobs);
  for (unsigned number = 0; number < daemons; ++number) {
    daemons_.push_back({.name = fmt::format("n{}", number),
                        .gate = std::make_unique<test::TcpGate>(server_.port()),
                        .process = std::nullopt});
    launch(daemons_.back());
  }
}

/// Each command tells of itself in one line, with one write to a file that is appended to.
void DaemonFleet::write_file(unsigned jobs) const {
  std::ofstream out(file());
  for (unsigned job = 0; job < jobs; ++job) {
    const std::size_t kind = job % std::size(kKinds);
    const char* rest = kind + 1 == std::size(kKinds) ? "; sleep 1.3" : "; sleep 0.1";
    out << fmt::format(
        "[jobs.job{}]\nschedule = \"* * * * * *\"\nshell = 'echo \"$NODEPOOL_JOB $NODEPOOL_SCHEDULED_AT\" >> "
        "{}{}'\nhistory = 1000\nmost_catch_up = 100\n",
        job, diary(), rest);
    std::string policy = kKinds[kind];
    for (std::size_t comma = policy.find(", "); comma != std::string::npos; comma = policy.find(", "))
      policy.replace(comma, 2, "\n");
    out << policy << "\n";
  }
}

void DaemonFleet::launch(Daemon& daemon) {
  auto process = cli::Child::start({NODEPOOL_COMMAND, "cron", file(), "--name", daemon.name, "--heartbeat",
                                    "200ms", "--lease", "2s", "--drain-grace", "5s", "--max-runs", "200"},
                                   {fmt::format("NODEPOOL_STORE=redis://127.0.0.1:{}", daemon.gate->port())});
  if (!process) throw std::runtime_error(process.error().message);
  daemon.process = *std::move(process);
}

void DaemonFleet::harm(Daemon& daemon, MonotonicTime now) {
  const auto in_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - begun_).count();
  const auto length = std::chrono::milliseconds(500 + random_() % 5000);
  daemon.healed_at = now + length;
  switch (random_() % 3) {
    case 0:
      daemon.fault = Daemon::Fault::killed;
      daemon.process->signal(SIGKILL);
      break;
    case 1:
      daemon.fault = Daemon::Fault::frozen;
      daemon.process->signal(SIGSTOP);
      break;
    default:
      daemon.fault = Daemon::Fault::cut;
      daemon.gate->set({.requests_pass = random_() % 2 == 0, .replies_pass = false});
      break;
  }
  constexpr const char* kNames[] = {"none", "killed", "frozen", "cut off"};
  deeds_.push_back(fmt::format("{:6} ms: {} is {} for {} ms", in_ms, daemon.name,
                               kNames[static_cast<std::size_t>(daemon.fault)], length.count()));
}

void DaemonFleet::heal(Daemon& daemon) {
  switch (std::exchange(daemon.fault, Daemon::Fault::none)) {
    case Daemon::Fault::none:
      return;
    case Daemon::Fault::killed:
      return launch(daemon);
    case Daemon::Fault::frozen:
      daemon.process->signal(SIGCONT);
      return;
    case Daemon::Fault::cut:
      daemon.gate->set({});
      return;
  }
}

void DaemonFleet::play(MonotonicTime until) {
  MonotonicTime next = BootClock::now() + 3s;
  while (BootClock::now() < until) {
    const MonotonicTime now = BootClock::now();
    for (Daemon& daemon : daemons_) {
      if (daemon.fault != Daemon::Fault::none && now >= daemon.healed_at) heal(daemon);
    }
    if (now >= next) {
      Daemon& victim = daemons_[random_() % daemons_.size()];
      if (victim.fault == Daemon::Fault::none) harm(victim, now);
      next = now + std::chrono::milliseconds(500 + random_() % 3000);
    }
    drain_output();
    std::this_thread::sleep_for(10ms);
  }
  for (Daemon& daemon : daemons_) heal(daemon);
}

void DaemonFleet::drain_output() {
  for (Daemon& daemon : daemons_) {
    if (daemon.process) daemon.process->read();
  }
}

bool DaemonFleet::settle() {
  auto control = cron::JobControl::open(*open_redis(server_.url()).value(), ServiceName(kService));
  const WallTime goal = std::chrono::system_clock::now() + 1s;
  const MonotonicTime deadline = BootClock::now() + kPatience;
  while (BootClock::now() < deadline) {
    const auto jobs = control->list(BootClock::now() + 5s);
    const bool done = jobs && jobs->size() == jobs_ &&
                      std::ranges::all_of(*jobs, [&](const auto& job) { return job.decided >= goal; });
    if (done) return true;
    drain_output();
    std::this_thread::sleep_for(20ms);
  }
  return false;
}

std::vector<std::string> DaemonFleet::stop() {
  std::vector<std::string> trouble;
  for (Daemon& daemon : daemons_) daemon.process->signal(SIGTERM);
  const MonotonicTime deadline = BootClock::now() + kPatience;
  for (Daemon& daemon : daemons_) {
    std::optional<int> code;
    while (!(code = daemon.process->exit_code()) && BootClock::now() < deadline) {
      drain_output();
      std::this_thread::sleep_for(5ms);
    }
    if (code == 0) continue;
    const std::string& errors = daemon.process->errors();
    trouble.push_back(fmt::format("{} ended with {}: {}", daemon.name, code ? *code : -1,
                                  errors.substr(errors.size() - std::min<std::size_t>(errors.size(), 2000))));
  }
  return trouble;
}

std::vector<JobStory> DaemonFleet::stories() {
  std::map<std::string, std::map<std::string, int>> written;
  std::istringstream lines(read_all(diary()));
  for (std::string job, instant; lines >> job >> instant;) ++written[job][instant];
  const auto file_read = cli::parse_cron_file(read_all(file()), cli::CronFormat::toml, {});
  if (!file_read) throw std::runtime_error(to_text(file_read.error().front(), file()));
  auto control = cron::JobControl::open(*open_redis(server_.url()).value(), ServiceName(kService));
  std::vector<JobStory> stories;
  for (const cli::CronEntry& entry : file_read->entries) {
    auto record = control->find(entry.name, BootClock::now() + 5s);
    auto history = control->history(entry.name, kMaxLedgerHistory, BootClock::now() + 5s);
    if (!record || !history) throw std::runtime_error("no record of " + entry.name);
    JobStory story{entry.name, entry.schedule, entry.policy, {}, *std::move(history), *std::move(record)};
    for (const auto& instant : story.history) {
      const auto found = written[entry.name].find(cli::utc_text(instant.scheduled));
      if (found == written[entry.name].end() || !instant.started) continue;
      story.written.emplace(instant.scheduled, found->second);
      written[entry.name].erase(found);
    }
    for (const auto& [instant, times] : written[entry.name]) {
      throw std::runtime_error(fmt::format("{}: the command of {} was started {} times and has no entry",
                                           entry.name, instant, times));
    }
    stories.push_back(std::move(story));
  }
  return stories;
}

}  // namespace nodepool::cron_soak
