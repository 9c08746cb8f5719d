#pragma once

#include <csignal>
#include <vector>

namespace nodepool::cli {

/// A signal that has come.
struct ComeSignal {
  int number = 0;
  bool by_kernel = false;  ///< By a terminal that was closed, say, and not by another process.
};

/// All signals that a process can pass on, received by reading instead of by handlers. Those that were
/// ignored when the process began (nohup, a background job of a script) stay ignored.
///
/// To be made before any other thread: the signals are blocked from then on, here and in every thread made
/// later. Works as process 1 too. Belongs to one thread.
class SignalInbox {
 public:
  /// Throws std::system_error if the process has no file descriptor left.
  SignalInbox();
  ~SignalInbox();
  SignalInbox(const SignalInbox&) = delete;
  SignalInbox& operator=(const SignalInbox&) = delete;

  /// Readable when a signal has come: for poll.
  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// What has come since the last call; SIGCHLD is among it.
  [[nodiscard]] std::vector<ComeSignal> take();
  /// What was blocked before: a program started from here should find it so.
  [[nodiscard]] const sigset_t& mask_before() const noexcept { return mask_before_; }

 private:
  sigset_t mask_before_{};
  int fd_ = -1;
};

}  // namespace nodepool::cli
