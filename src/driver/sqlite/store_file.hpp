#pragma once

#include <memory>
#include <optional>
#include <string>

#include "driver/sqlite/connection.hpp"
#include "driver/sqlite/location.hpp"
#include "nodepool/result.hpp"
#include "nodepool/types.hpp"

namespace nodepool::sqlite {

/// One connection to whatever file is at a path at present: it may be deleted, replaced or put back under
/// those who use it. Belongs to one thread at a time.
class StoreFile {
 public:
  /// `path` is absolute.
  explicit StoreFile(std::string path) : path_(std::move(path)) {}

  enum class Attachment {
    none,    ///< There is no file, and none was to be made.
    kept,    ///< The connection is the one of before.
    opened,  ///< A new connection, to a file that somebody else has made.
    made     ///< A new connection, to a file that this call has made.
  };
  /// Makes sure that the connection is to the file that is at the path now. `location`: of the path, a moment
  /// ago. Errors: those of the files (format.hpp), and of `check_log`. After an error there may be no
  /// connection.
  Result<Attachment> attach(const Location& location, bool create, MonotonicTime deadline);

  /// SQLite's log must be the one that this connection writes to. If it was deleted under live nodes,
  /// newcomers make another one, with a history of its own in it: this connection then fails for good. It
  /// must not open the file again, as the old log may still be in use in this process. To be called after
  /// each transaction.
  Result<void> check_log();
  /// Makes what was committed outlive a power failure.
  [[nodiscard]] Result<void> flush_log() const;
  /// Whether the connection is still to the file at the path.
  [[nodiscard]] bool in_place() const;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] bool attached() const noexcept { return connection_ != nullptr; }
  /// REQUIRES: `attached`.
  [[nodiscard]] Connection& connection() const noexcept { return *connection_; }
  /// Where the connection's file was when it was opened. REQUIRES: `attached`.
  [[nodiscard]] const Location& location() const noexcept { return location_; }

 private:
  const std::string path_;
  std::unique_ptr<Connection> connection_;
  Location location_;
  std::optional<LogIdentity> log_;  ///< As of the first transaction of the connection.
};

}  // namespace nodepool::sqlite
