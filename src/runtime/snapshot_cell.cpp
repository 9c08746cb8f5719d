#include "runtime/snapshot_cell.hpp"

namespace nodepool::detail {
namespace {

constinit const SnapshotEntries kNothing{};

/// Keeps alive what the entries point to. Made by the first read of a thread, destroyed as it ends; static
/// destructors may read later than that.
struct SnapshotCache {
  SnapshotEntries entries;
  std::array<std::shared_ptr<const void>, kSnapshotSlots> values;
  SnapshotCache() noexcept { my_snapshots = entries.data(); }
  SnapshotCache(const SnapshotCache&) = delete;
  SnapshotCache& operator=(const SnapshotCache&) = delete;
  ~SnapshotCache() {
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
  if (SnapshotCache::gone()) return false;
  thread_local SnapshotCache cache;
  cache.entries[slot] = {version, value.get()};
  cache.values[slot].swap(value);  // the old one is destroyed as we return
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
