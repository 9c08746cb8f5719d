#include "scheduler/crew.hpp"

#include <system_error>
#include <utility>

namespace nodepool::cron {

Crew::~Crew() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  given_.notify_all();
}

bool Crew::is_full() const {
  const std::lock_guard lock(mutex_);
  return busy_ + waiting_.size() >= most_;
}

void Crew::give(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
    if (busy_ + waiting_.size() > threads_.size() && threads_.size() < most_) add_thread();
  }
  given_.notify_one();
}

/// If the system gives no more threads, those that are there do.
void Crew::add_thread() {
  try {
    threads_.emplace_back([this] { serve(); });
  } catch (const std::system_error&) {
    if (threads_.empty()) throw;
  }
}

void Crew::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    given_.wait(lock, [this] { return over_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    ++busy_;
    lock.unlock();
    work();
    lock.lock();
    --busy_;
  }
}

}  // namespace nodepool::cron
