#include "cli/parts/file_watch.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

namespace nodepool::cli {

FileWatch::FileWatch(std::string path) : path_(std::move(path)), known_(look()), last_(known_) {}

std::string FileWatch::look() const {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return {};
  return fmt::format("{} {} {} {}.{:09} {}.{:09}", status.st_dev, status.st_ino, status.st_size,
                     status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                     status.st_ctim.tv_nsec);
}

bool FileWatch::has_changed() {
  std::string now = look();
  // Whoever writes a file may be in the midst of it: it has to have come to rest.
  const bool rests = std::exchange(last_, now) == now;
  if (now.empty() || !rests || now == known_) return false;
  known_ = std::move(now);
  return true;
}

void FileWatch::renew() {
  last_ = known_ = look();
}

}  // namespace nodepool::cli
