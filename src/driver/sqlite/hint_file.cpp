#include "driver/sqlite/hint_file.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <array>

namespace nodepool::sqlite {
namespace {

/// IN_ATTRIB tells of the deletion of a file that somebody has still open.
constexpr std::uint32_t kMask = IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

}  // namespace

void HintFile::open() noexcept {
  struct stat status {};
  if (file_ && ::fstat(file_.get(), &status) == 0 && status.st_nlink > 0) return;
  file_ = driver::Descriptor(
      ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, S_IRUSR | S_IWUSR));
}

void HintFile::watch(const std::string& path) {
  if (watching_ && path == path_) return;
  if (path != path_) file_.reset();
  path_ = path;
  open();
  watching_ = false;
  if (!file_) return;
  inotify_ = driver::Descriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  watching_ = inotify_ && ::inotify_add_watch(inotify_.get(), path_.c_str(), kMask) >= 0;
}

void HintFile::drain() {
  alignas(inotify_event) std::array<char, 4096> buffer{};
  bool replaced = false;
  while (true) {
    const ssize_t size = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (size <= 0) break;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(size);) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      replaced |= (event->mask & ~std::uint32_t{IN_MODIFY}) != 0;
      at += sizeof(inotify_event) + event->len;
    }
  }
  if (!replaced) return;
  watching_ = false;
  watch(path_);
}

void HintFile::announce() noexcept {
  open();
  const char byte = '.';
  [[maybe_unused]] const ssize_t ignored = ::pwrite(file_.get(), &byte, 1, 0);
}

}  // namespace nodepool::sqlite
