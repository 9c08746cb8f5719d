#include "driver/sqlite/location.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>
#include <utility>

namespace nodepool::sqlite {
namespace {

struct Free {
  void operator()(char* text) const noexcept { std::free(text); }
};

/// The path without symbolic links, or nothing with errno set.
std::optional<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, Free> real(::realpath(path.c_str(), nullptr));
  if (!real) return std::nullopt;
  return std::string(real.get());
}

tl::unexpected<Error> unreachable(const std::string& path, const std::string& folder, int reason) {
  if (reason == EACCES) {
    return failure(
        ErrorCode::permission_denied,
        fmt::format("cannot reach the store '{}': no permission to enter '{}'; grant it to this user", path,
                    folder));
  }
  if (reason == ENOENT || reason == ENOTDIR) {
    return failure(
        ErrorCode::unavailable,
        fmt::format("cannot reach the store '{}': there is no folder '{}'; create it or correct the "
                    "path",
                    path, folder));
  }
  return failure(ErrorCode::unavailable, fmt::format("cannot reach the store '{}': {}; check the path", path,
                                                     std::generic_category().message(reason)));
}

/// A dangling link must not lead to a file beside the link: SQLite would put its log elsewhere.
bool is_link(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

Result<void> check_kind(const std::string& path, const struct stat& status) {
  if (!S_ISREG(status.st_mode)) {
    return failure(
        ErrorCode::store_corrupt,
        fmt::format("'{}' is not a regular file and was left untouched; give the path of a file", path));
  }
  if (status.st_size == 0) {
    return failure(
        ErrorCode::store_corrupt,
        fmt::format("'{}' is empty, which a nodepool store never is; it was left untouched: delete it "
                    "while no node runs, and the next node makes a new store",
                    path));
  }
  return {};
}

}  // namespace

FileIdentity identity_of(const struct stat& status) noexcept {
  return {.device = static_cast<std::uint64_t>(status.st_dev),
          .inode = static_cast<std::uint64_t>(status.st_ino)};
}

std::optional<LogIdentity> log_identity_of(const std::string& file) {
  struct stat log {};
  struct stat index {};
  if (::stat((file + "-wal").c_str(), &log) != 0 || ::stat((file + "-shm").c_str(), &index) != 0) {
    return std::nullopt;
  }
  return LogIdentity{identity_of(log), identity_of(index)};
}

Result<Location> locate(const std::string& path) {
  const std::filesystem::path given(path);
  Location location;
  auto file = real_path(path);
  if (!file && errno != ENOENT) return unreachable(path, given.parent_path().string(), errno);
  if (!file && is_link(path)) {
    return failure(
        ErrorCode::unavailable,
        fmt::format("'{}' is a symbolic link to nothing; create its target's store or remove it", path));
  }
  if (!file) {
    auto folder = real_path(given.parent_path().string());
    if (!folder) return unreachable(path, given.parent_path().string(), errno);
    file = (std::filesystem::path(*folder) / given.filename()).string();
  }
  location.file = *file;
  location.folder = std::filesystem::path(*file).parent_path().string();

  struct stat status {};
  if (::stat(location.folder.c_str(), &status) != 0) return unreachable(path, location.folder, errno);
  location.folder_identity = identity_of(status);
  if (::stat(location.file.c_str(), &status) == 0) {
    if (auto good = check_kind(path, status); !good) return tl::unexpected(good.error());
    location.file_identity = identity_of(status);
  } else if (errno != ENOENT) {
    return unreachable(path, location.folder, errno);
  }
  return location;
}

std::string run_id_of(const Location& location) {
  std::string boot_id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot_id;
  // Numbers of deleted files are given out again, therefore the time of birth is part of the name. The device
  // is not: two containers may see one file under two of them.
  struct statx status {};
  if (::statx(AT_FDCWD, location.file.c_str(), 0, STATX_INO | STATX_BTIME, &status) != 0) return boot_id;
  const bool born = (status.stx_mask & STATX_BTIME) != 0;
  return fmt::format("{}:{}:{}.{}", boot_id, status.stx_ino, born ? status.stx_btime.tv_sec : 0,
                     born ? status.stx_btime.tv_nsec : 0);
}

}  // namespace nodepool::sqlite
