#pragma once

#include "driver/common/descriptor.hpp"
#include "driver/sqlite/location.hpp"
#include "nodepool/result.hpp"
#include "nodepool/types.hpp"

namespace nodepool::sqlite {

/// A session's sign to the other processes of the machine that it may hold a lease: a shared flock on the
/// folder of the store. It is on the folder, because the file may be deleted under live nodes and made again.
/// Who makes the file and gets the exclusive lock knows that no lease can exist from before: a fresh pool
/// then needs no barrier.
///
/// Where the file system has no such locks nobody gets the exclusive one, so every fresh pool starts behind
/// the barrier. The folder itself has to outlive the pool: the lock does not see a folder that was replaced a
/// moment ago.
class FolderLock {
 public:
  /// Holds at least the shared lock afterwards, until the object is destroyed. Tries the exclusive one if
  /// asked to and if nothing was held before: a session that may hold a lease never lets go of its lock, not
  /// even for an instant, and the change from one kind of lock to the other lets go. `unavailable` if another
  /// process keeps the exclusive lock.
  Result<void> hold(const Location& location, bool try_exclusive, MonotonicTime deadline);

  /// From exclusive to shared. There may be an instant without a lock: the caller has to check afterwards
  /// that its file is still in place before it relies on a lease.
  Result<void> share(MonotonicTime deadline);

  [[nodiscard]] bool exclusive() const noexcept { return exclusive_; }

 private:
  driver::Descriptor folder_;
  FileIdentity identity_;
  std::string name_;
  bool exclusive_ = false;
};

}  // namespace nodepool::sqlite
