#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "nodepool/result.hpp"

namespace nodepool::sqlite {

/// Which file, whatever it is called: two files that exist at one time never have the same.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  auto operator<=>(const FileIdentity&) const = default;
};

FileIdentity identity_of(const struct stat& status) noexcept;

/// Where a store's path leads to just now.
struct Location {
  std::string folder;  ///< Without symbolic links.
  std::string file;    ///< In `folder`, without symbolic links.
  FileIdentity folder_identity;
  std::optional<FileIdentity> file_identity;  ///< Absent where there is no such file.
};

/// Follows the path. Errors: `unavailable` (no such folder), `permission_denied`, `store_corrupt` (something
/// that is no regular file, or an empty one, stands there).
Result<Location> locate(const std::string& path);

/// The two files that SQLite keeps beside a store in use: its log, and the index of that log.
struct LogIdentity {
  FileIdentity log;
  FileIdentity index;
  auto operator<=>(const LogIdentity&) const = default;
};
/// Absent where one of them is missing.
std::optional<LogIdentity> log_identity_of(const std::string& file);

/// Names this boot of the machine and this very file: a store that has either replaced may have lost writes.
std::string run_id_of(const Location& location);

}  // namespace nodepool::sqlite
