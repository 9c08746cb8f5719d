#include "driver/sqlite/folder_lock.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace nodepool::sqlite {
namespace {

/// False if somebody else still has the exclusive lock at the deadline.
bool lock_shared(int folder, MonotonicTime deadline) {
  // The exclusive lock is held for the few milliseconds in which a store is made. There is no flock with a
  // deadline.
  constexpr auto kPause = std::chrono::milliseconds(2);
  while (::flock(folder, LOCK_SH | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return true;  // No locks here: then nobody can get the exclusive one.
    if (BootClock::now() >= deadline) return false;
    driver::wait_readable(-1, -1, BootClock::now() + kPause);
  }
  return true;
}

tl::unexpected<Error> kept_by_another(const std::string& folder) {
  return failure(ErrorCode::unavailable,
                 fmt::format("another process keeps the folder '{}' locked for itself (flock); find it with "
                             "lslocks, or try again",
                             folder));
}

}  // namespace

Result<void> FolderLock::hold(const Location& location, bool try_exclusive, MonotonicTime deadline) {
  if (folder_ && identity_ == location.folder_identity) return {};
  driver::Descriptor folder(::open(location.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status {};
  if (!folder || ::fstat(folder.get(), &status) != 0) {
    const int reason = errno;
    return failure(reason == EACCES ? ErrorCode::permission_denied : ErrorCode::unavailable,
                   fmt::format("cannot open the folder '{}': {}; it must exist and be readable for this user",
                               location.folder, std::generic_category().message(reason)));
  }
  const bool first = !folder_;
  exclusive_ = first && try_exclusive && ::flock(folder.get(), LOCK_EX | LOCK_NB) == 0;
  if (!exclusive_ && !lock_shared(folder.get(), deadline)) return kept_by_another(location.folder);
  folder_ = std::move(folder);
  identity_ = identity_of(status);
  name_ = location.folder;
  return {};
}

Result<void> FolderLock::share(MonotonicTime deadline) {
  if (!exclusive_) return {};
  exclusive_ = false;
  if (lock_shared(folder_.get(), deadline)) return {};
  folder_.reset();
  return kept_by_another(name_);
}

}  // namespace nodepool::sqlite
