#include "cli/parts/job_process.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace nodepool::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenTries{5};

tl::unexpected<Error> no_guardian() {
  return failure(ErrorCode::internal, fmt::format("no process to guard the command can be started ({})",
                                                  std::generic_category().message(errno)));
}

}  // namespace

Result<JobProcess> JobProcess::make(const JobCommand& command) {
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0) return no_guardian();
  driver::Descriptor ours(sockets[0]);
  driver::Descriptor theirs(sockets[1]);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // Of the guardian's children, should it be killed.
  std::vector<ChildProcess> strangers = children();
  const pid_t guardian = ::fork();
  if (guardian < 0) return no_guardian();
  if (guardian == 0) {
    ours.reset();
    guard_jobs(theirs.get(), command);
  }
  return JobProcess(std::move(ours), guardian, std::move(strangers));
}

JobProcess::JobProcess(driver::Descriptor socket, pid_t guardian, std::vector<ChildProcess> strangers)
    : socket_(std::move(socket)), guardian_(guardian), strangers_(std::move(strangers)) {}

JobProcess::JobProcess(JobProcess&& other) noexcept
    : socket_(std::move(other.socket_)),
      guardian_(std::exchange(other.guardian_, 0)),
      command_(std::exchange(other.command_, 0)),
      strangers_(std::move(other.strangers_)) {}

JobProcess::~JobProcess() {
  constexpr std::chrono::seconds kAtMost{3};
  socket_.reset();  // So the guardian kills what runs, and ends.
  const MonotonicTime deadline = BootClock::now() + kAtMost;
  while (guardian_ > 0 && BootClock::now() < deadline) {
    reap();
    if (guardian_ > 0) ::poll(nullptr, 0, static_cast<int>(kBetweenTries.count()));
  }
  if (guardian_ > 0) clear_away();
}

void JobProcess::start(const StopOrder& limit, const std::vector<std::string>& environment) {
  send_order(socket_.get(), {GuardOrder::Kind::start, 0, limit}, environment);
}

void JobProcess::limit(const StopOrder& limit) {
  send_order(socket_.get(), {GuardOrder::Kind::limit, 0, limit});
}

void JobProcess::signal(int number) {
  send_order(socket_.get(), {GuardOrder::Kind::signal, number, {}});
}

void JobProcess::kill_command() noexcept {
  if (command_ > 0) ::kill(-command_, SIGKILL);
}

void JobProcess::give_up() noexcept {
  if (guardian_ > 0) ::kill(guardian_, SIGKILL);
}

std::vector<JobReport> JobProcess::take_reports() {
  std::vector<JobReport> reports;
  while (socket_) {
    const ReceivedReport received = receive_report(socket_.get());
    if (received.report) {
      if (received.report->kind == JobReport::Kind::started) command_ = received.report->value;
      if (received.report->kind == JobReport::Kind::ended) command_ = 0;
      reports.push_back(*received.report);
      continue;
    }
    if (!received.is_over) break;
    socket_.reset();
    clear_away();
    reports.push_back({JobReport::Kind::lost, 0});
  }
  return reports;
}

/// The guardian is dead or to be killed: the kernel kills the command, and what is left of it comes to us.
void JobProcess::clear_away() {
  constexpr std::chrono::seconds kAtMost{1};
  give_up();
  const MonotonicTime deadline = BootClock::now() + kAtMost;
  const auto is_stranger = [this](const ChildProcess& child) {
    return std::any_of(strangers_.begin(), strangers_.end(),
                       [&](const ChildProcess& stranger) { return stranger.pid == child.pid; });
  };
  while (BootClock::now() < deadline) {
    std::vector<ChildProcess> left = children();
    std::erase_if(left, is_stranger);
    if (left.empty()) return;
    signal_groups_of(left, SIGKILL);
    reap();
    ::poll(nullptr, 0, static_cast<int>(kBetweenTries.count()));
  }
}

void JobProcess::reap() {
  pid_t child = 0;
  while ((child = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    if (child == guardian_) guardian_ = 0;
  }
}

}  // namespace nodepool::cli
