#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nodepool::cron {

/// Threads for the runs: started when they are needed, kept for the next. Thread-safe. The destructor waits
/// for what goes on.
class Crew {
 public:
  explicit Crew(std::size_t most) : most_(most) {}
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Whether everybody is busy: what is given now would wait.
  [[nodiscard]] bool is_full() const;
  /// `work` must not throw. Begins at once unless the crew is full.
  void give(std::function<void()> work);

 private:
  void add_thread();  ///< REQUIRES: mutex_ is held.
  void serve();

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable given_;
  std::deque<std::function<void()>> waiting_;  ///< Guarded by mutex_, as what follows.
  std::size_t busy_ = 0;
  bool over_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace nodepool::cron
