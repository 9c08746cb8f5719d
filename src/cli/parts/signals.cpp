#include "cli/parts/signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <system_error>

#include "cli/parts/execution.hpp"

namespace nodepool::cli {
namespace {

int checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

void make_readable(int event_fd) noexcept {
  const std::uint64_t one = 1;
  // It can fail only if it is readable already.
  [[maybe_unused]] const auto written = ::write(event_fd, &one, sizeof one);
}

}  // namespace

SignalWatch::SignalWatch() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal_fd_ = checked(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), "signals cannot be received");
  wake_fd_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "signals cannot be received");
  end_fd_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "signals cannot be received");
  thread_ = std::thread([this] { watch(); });
}

SignalWatch::~SignalWatch() {
  make_readable(end_fd_);
  thread_.join();
  for (const int fd : {signal_fd_, wake_fd_, end_fd_}) ::close(fd);
}

void SignalWatch::watch() noexcept {
  constexpr std::chrono::milliseconds kSameWish{300};
  std::optional<std::chrono::steady_clock::time_point> asked_at;
  while (true) {
    std::array<pollfd, 2> waiting{{{signal_fd_, POLLIN, 0}, {end_fd_, POLLIN, 0}}};
    ::poll(waiting.data(), waiting.size(), -1);
    if (waiting[1].revents != 0) return;
    signalfd_siginfo signal{};
    if (::read(signal_fd_, &signal, sizeof signal) != sizeof signal) continue;
    const auto now = std::chrono::steady_clock::now();
    // The first one asks; whoever sends a second one has no more patience, so nothing is cleaned up. But some
    // supervisors send one wish twice: to the process and to its group.
    if (asked_at && now - *asked_at > kSameWish) ::_exit(kSignalled + static_cast<int>(signal.ssi_signo));
    if (!asked_at) asked_at = now;
    stop_.request_stop();
    make_readable(wake_fd_);
  }
}

}  // namespace nodepool::cli
