#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace nodepool {

namespace detail {

/// What one thread remembers of the cells it has read: a direct-mapped cache. A version is never used twice
/// in the process, so it names the cell too; 0 is none.
struct SnapshotEntry {
  std::uint64_t version = 0;
  const void* value = nullptr;
};
inline constexpr std::size_t kSnapshotSlots = 64;
using SnapshotEntries = std::array<SnapshotEntry, kSnapshotSlots>;

/// This thread's entries; before its first read and after its end, some that fit nothing. A bare pointer that
/// the loader sets up with the thread: a read needs no guard, no wrapper, no call into the loader, and a
/// library that is loaded late needs but a few bytes of static thread-local space.
extern constinit thread_local const SnapshotEntry* my_snapshots [[gnu::tls_model("initial-exec")]];

/// Lets this thread remember `value`, which it keeps alive until it remembers another in that slot, or ends.
/// False if nothing can be remembered: at the very end of a thread, or without memory for it.
bool remember_snapshot(std::size_t slot, std::uint64_t version, std::shared_ptr<const void> value) noexcept;

std::uint64_t new_snapshot_version() noexcept;
std::size_t new_snapshot_slot() noexcept;

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
    version_.store(detail::new_snapshot_version(), std::memory_order_release);
  }

  /// Calls `use` with the newest value (REQUIRES: one was published) and returns its result. `use` must not
  /// read another cell. Any thread.
  template <class Use>
  auto read(Use use) const {
    const detail::SnapshotEntry& entry = detail::my_snapshots[slot_];
    if (entry.version == version_.load(std::memory_order_acquire)) [[likely]] {
      return use(*static_cast<const T*>(entry.value));
    }
    if (const auto unremembered = refresh()) return use(*unremembered);
    return use(*static_cast<const T*>(detail::my_snapshots[slot_].value));
  }

  /// The newest value, to be kept. Takes the mutex.
  [[nodiscard]] std::shared_ptr<const T> load() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  /// Null if the value is remembered now; the value itself if it cannot be.
  [[nodiscard]] std::shared_ptr<const T> refresh() const {
    std::unique_lock lock(mutex_);
    auto value = value_;
    const std::uint64_t version = version_.load(std::memory_order_relaxed);
    lock.unlock();  // what was remembered before may be destroyed now
    return detail::remember_snapshot(slot_, version, value) ? nullptr : value;
  }

  // What readers touch, and what is written by others while they do, on cache lines of their own.
  alignas(64) std::atomic<std::uint64_t> version_{0};
  const std::size_t slot_ = detail::new_snapshot_slot();
  alignas(64) mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;  ///< Guarded by mutex_.
};

}  // namespace nodepool
