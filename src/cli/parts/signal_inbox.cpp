#include "cli/parts/signal_inbox.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace nodepool::cli {
namespace {

bool is_ignored(int number) noexcept {
  struct sigaction action {};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

/// Left out: faults of our own, what cannot be caught, SIGPIPE (ours to answer), and what the kernel sends to
/// a process that uses the terminal from the background (SIGTTIN, SIGTTOU) or has used up its limits.
sigset_t signals_to_pass_on() noexcept {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP,
                           SIGALRM, SIGVTALRM, SIGURG, SIGIO, SIGPWR}) {
    if (!is_ignored(number)) ::sigaddset(&signals, number);
  }
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) {
    if (!is_ignored(number)) ::sigaddset(&signals, number);
  }
  return signals;
}

}  // namespace

SignalInbox::SignalInbox() {
  // Where it is ignored, the kernel reaps children, and nobody learns how they ended.
  std::signal(SIGCHLD, SIG_DFL);
  sigset_t signals = signals_to_pass_on();
  ::sigaddset(&signals, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &signals, &mask_before_);
  fd_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "signals cannot be received");
}

SignalInbox::~SignalInbox() {
  ::close(fd_);
}

std::vector<ComeSignal> SignalInbox::take() {
  std::vector<ComeSignal> come;
  signalfd_siginfo signal{};
  while (::read(fd_, &signal, sizeof signal) == sizeof signal) {
    come.push_back({static_cast<int>(signal.ssi_signo), signal.ssi_code == SI_KERNEL});
  }
  return come;
}

}  // namespace nodepool::cli
