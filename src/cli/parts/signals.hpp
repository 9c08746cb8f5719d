#pragma once

#include <stop_token>
#include <thread>

namespace nodepool::cli {

/// Turns SIGTERM and SIGINT into a stop request. A second one ends the process at once (exit code 128 + the
/// signal), unless it comes within 300 ms: then it is taken for the same wish.
///
/// To be made before any other thread: the signals are blocked from then on, here and in every thread made
/// later.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// Used by the first signal, or by `request_stop`.
  [[nodiscard]] std::stop_token stop_token() const noexcept { return stop_.get_token(); }
  /// As if a first signal had come. Thread-safe.
  void request_stop() noexcept { stop_.request_stop(); }
  /// Readable once a signal has come: for poll and for Session::wait.
  [[nodiscard]] int wake_fd() const noexcept { return wake_fd_; }

 private:
  void watch() noexcept;

  std::stop_source stop_;
  int signal_fd_ = -1;  ///< Where the kernel tells the signals.
  int wake_fd_ = -1;
  int end_fd_ = -1;  ///< Ends the thread.
  std::thread thread_;
};

}  // namespace nodepool::cli
