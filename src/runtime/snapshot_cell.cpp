#include "runtime/snapshot_cell.hpp"

#include <new>

namespace nodepool::detail {
namespace {

constinit const SnapshotEntries kNothing{};

struct SnapshotCache {
  SnapshotEntries entries;
  /// Keeps alive what the entries point to.
  std::array<std::shared_ptr<const void>, kSnapshotSlots> values;
};

/// Owns the cache: made by the first read of a thread, destroyed as it ends; static destructors may read
/// later than that. The cache itself is on the heap: a library that is loaded late finds little thread-local
/// space.
struct CacheOwner {
  std::unique_ptr<SnapshotCache> cache{new (std::nothrow) SnapshotCache};
  CacheOwner() noexcept {
    if (cache) my_snapshots = cache->entries.data();
  }
  CacheOwner(const CacheOwner&) = delete;
  CacheOwner& operator=(const CacheOwner&) = delete;
  ~CacheOwner() {
    gone() = true;
    my_snapshots = kNothing.data();
  }
  static bool& gone() noexcept {
    thread_local bool flag = false;
    return flag;
  }
};

}  // namespace

constinit thread_local const SnapshotEntry* my_snapshots = kNothing.data();

bool remember_snapshot(std::size_t slot, std::uint64_t version, std::shared_ptr<const void> value) noexcept {
  if (CacheOwner::gone()) return false;
  thread_local CacheOwner mine;
  if (!mine.cache) return false;
  mine.cache->entries[slot] = {version, value.get()};
  mine.cache->values[slot].swap(value);  // the old one is destroyed as we return
  return true;
}

std::uint64_t new_snapshot_version() noexcept {
  static constinit std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::size_t new_snapshot_slot() noexcept {
  static constinit std::atomic<std::size_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed) % kSnapshotSlots;
}

}  // namespace nodepool::detail
