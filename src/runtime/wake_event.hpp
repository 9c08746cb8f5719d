#pragma once

namespace nodepool {

/// A descriptor that becomes readable when somebody calls `set`. Any thread may set; one waits and clears.
class WakeEvent {
 public:
  /// `fd` is -1 if the process has no descriptor left.
  WakeEvent() noexcept;
  ~WakeEvent();
  WakeEvent(const WakeEvent&) = delete;
  WakeEvent& operator=(const WakeEvent&) = delete;

  void set() noexcept;
  void clear() noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

}  // namespace nodepool
