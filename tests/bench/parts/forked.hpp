#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>

namespace nodepool::bench {

/// Memory that this process shares with those it forks: both see the same objects. T must live on atomics and
/// plain values alone.
void* map_shared(std::size_t bytes);

/// A process of ours that runs a function on the end of a pipe, until it returns or the pipe is closed.
///
/// It shares memory mapped before, and is never left behind: the destructor kills it, and the kernel does
/// when our main thread ends. REQUIRES: this process has no other thread (they do not exist in the child).
class Forked {
 public:
  /// `body` gets the reading end of the pipe.
  explicit Forked(const std::function<void(int orders)>& body);
  Forked(Forked&& other) noexcept;
  Forked& operator=(Forked&& other) = delete;
  Forked(const Forked&) = delete;
  Forked& operator=(const Forked&) = delete;
  ~Forked() { kill(); }

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Writes a plain value into the pipe; false if the process is gone.
  template <class Order>
  requires std::is_trivially_copyable_v<Order>
  bool send(const Order& order) { return write_all(&order, sizeof(order)); }
  /// SIGKILL, and waits for its end. Idempotent.
  void kill() noexcept;

 private:
  bool write_all(const void* bytes, std::size_t size);
  pid_t pid_ = -1;
  int pipe_ = -1;
};

/// The next order from the pipe; false at its end.
bool read_all(int pipe, void* bytes, std::size_t size);
template <class Order>
requires std::is_trivially_copyable_v<Order>
bool receive(int pipe, Order& order) {
  return read_all(pipe, &order, sizeof(order));
}

}  // namespace nodepool::bench
