#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace nodepool {

namespace detail {

/// What one thread remembers of the cells it has read: a direct-mapped cache, so that a read that finds
/// nothing new touches only this thread's memory and one shared version counter.
struct SnapshotCache {
  struct Entry {
    std::uint64_t cell = 0;
    std::uint64_t version = 0;
    std::shared_ptr<const void> value;
  };
  static constexpr std::size_t kSlots = 64;
  std::array<Entry, kSlots> entries;
  SnapshotCache() = default;
  SnapshotCache(const SnapshotCache&) = delete;
  SnapshotCache& operator=(const SnapshotCache&) = delete;
  ~SnapshotCache() { gone() = true; }

  /// True once this thread's cache is destroyed (static destructors run later than that).
  static bool& gone() noexcept {
    thread_local bool flag = false;
    return flag;
  }
  static SnapshotCache& mine() noexcept {
    thread_local SnapshotCache cache;
    return cache;
  }
};

inline std::uint64_t new_cell_id() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace detail

/// Publishes immutable values from one thread to any number of readers. A read that finds the version it
/// knows is wait-free: no lock, no allocation, no shared write. A read after a publication takes the mutex
/// once per thread. (A version counter beside a thread-local pointer; std::atomic<std::shared_ptr> locks at
/// every read and is reported as a race by TSan in GCC 12.) An old value lives until each thread that has
/// read it reads again, or ends.
template <class T>
class SnapshotCell {
 public:
  void publish(std::shared_ptr<const T> value) {
    std::shared_ptr<const T> old;  // destroyed after the lock is given back
    const std::lock_guard lock(mutex_);
    old = std::exchange(value_, std::move(value));
    version_.fetch_add(1, std::memory_order_release);
  }

  /// Calls `use` with the newest value (REQUIRES: one was published) and returns its result. `use` must not
  /// read another cell. Any thread.
  template <class Use>
  auto read(Use use) const {
    if (detail::SnapshotCache::gone()) return use(*load());
    auto& entry = detail::SnapshotCache::mine().entries[id_ % detail::SnapshotCache::kSlots];
    if (entry.cell != id_ || entry.version != version_.load(std::memory_order_acquire)) refresh(entry);
    return use(*static_cast<const T*>(entry.value.get()));
  }

  /// The newest value, to be kept. Takes the mutex.
  [[nodiscard]] std::shared_ptr<const T> load() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  void refresh(detail::SnapshotCache::Entry& entry) const {
    std::shared_ptr<const void> old;  // as above
    const std::lock_guard lock(mutex_);
    old = std::exchange(entry.value, value_);
    entry.cell = id_;
    entry.version = version_.load(std::memory_order_relaxed);
  }

  const std::uint64_t id_ = detail::new_cell_id();
  std::atomic<std::uint64_t> version_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;  ///< Guarded by mutex_.
};

}  // namespace nodepool
