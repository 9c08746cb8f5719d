#pragma once

#include <optional>
#include <string>
#include <vector>

#include "driver/sqlite/folder_lock.hpp"
#include "driver/sqlite/hint_file.hpp"
#include "driver/sqlite/store_file.hpp"
#include "nodepool/driver.hpp"
#include "nodepool/view_store.hpp"

namespace nodepool::sqlite {

/// A pool's line to a store in a file. Belongs to one thread at a time.
///
/// Why a lease from here is safe: from before its first sync until it is destroyed, a session holds the
/// shared lock on the folder (FolderLock), also while it moves to a file that has replaced the old one. So
/// who gets the exclusive lock and then makes the file is alone. Everybody else starts a fresh pool behind
/// the barrier. After a reboot, and on a file that was put in place of another, the run id differs:
/// apply_sync starts the barrier.
class SqliteSession final : public Session {
 public:
  /// `path` is absolute.
  SqliteSession(std::string path, ServiceName service)
      : store_(std::move(path)), service_(std::move(service)) {}

  Result<SyncReply> sync(const SyncRequest& request, MonotonicTime deadline) override;
  Result<PoolStatus> status(MonotonicTime deadline) override;
  Result<void> request_drain(const NodeId& node, MonotonicTime deadline) override;
  std::vector<Hint> wait(MonotonicTime until, int wake_fd) override;

 private:
  /// Makes sure that the connection is to the file that is at the path now, and makes the file if it shall.
  Result<void> attach(bool create, MonotonicTime deadline);
  Result<SyncOutcome> transact(const SyncRequest& request);
  [[nodiscard]] StoreNow now() const;
  /// After a sync under the exclusive lock: back to the shared one, and nothing may have happened in between.
  Result<void> settle_lock(MonotonicTime deadline);
  /// True if something was published since this session looked last.
  bool news(MonotonicTime deadline);
  [[nodiscard]] tl::unexpected<Error> unknown_service() const;

  StoreFile store_;
  const ServiceName service_;
  FolderLock lock_;
  HintFile hints_;
  std::string run_id_;
  bool made_here_ = false;  ///< This session has made the file.
  std::int64_t seen_version_ = 0;
};

}  // namespace nodepool::sqlite
