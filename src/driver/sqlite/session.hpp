#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "driver/sqlite/connection.hpp"
#include "driver/sqlite/folder_lock.hpp"
#include "driver/sqlite/hint_file.hpp"
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
      : path_(std::move(path)), service_(std::move(service)) {}

  Result<SyncReply> sync(const SyncRequest& request, MonotonicTime deadline) override;
  Result<PoolStatus> status(MonotonicTime deadline) override;
  Result<void> request_drain(const NodeId& node, MonotonicTime deadline) override;
  std::vector<Hint> wait(MonotonicTime until, int wake_fd) override;

 private:
  /// Makes sure that the connection is to the file that is at the path now, and makes the file if it shall.
  Result<void> attach(bool create, MonotonicTime deadline);
  /// SQLite's log must be the one that this connection writes to. If it was deleted under live nodes,
  /// newcomers make another one and a pool of their own in it: this session then ends here, within its lease,
  /// while they wait behind the barrier. It must not open the file again, as the old log may still be in use
  /// in this process.
  Result<void> check_log();
  Result<SyncOutcome> transact(const SyncRequest& request);
  [[nodiscard]] StoreNow now() const;
  /// Makes a new view outlive a power failure: tokens must not be given out twice.
  Result<void> flush_log() const;
  /// After a sync under the exclusive lock: back to the shared one, and nothing may have happened in between.
  Result<void> settle_lock(MonotonicTime deadline);
  /// True if something was published since this session looked last.
  bool news(MonotonicTime deadline);
  [[nodiscard]] bool in_place() const;
  [[nodiscard]] tl::unexpected<Error> unknown_service() const;

  const std::string path_;
  const ServiceName service_;
  FolderLock lock_;
  HintFile hints_;
  std::unique_ptr<Connection> connection_;
  std::optional<FileIdentity> identity_;  ///< Of the file that the connection is to.
  std::optional<LogIdentity> log_;        ///< As of the first transaction of the connection.
  std::string run_id_;
  bool made_here_ = false;  ///< This session has made the file.
  std::int64_t seen_version_ = 0;
};

}  // namespace nodepool::sqlite
