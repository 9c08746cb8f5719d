#include "cli/parts/cron_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "cli/parts/cron_file.hpp"
#include "cli/parts/printable.hpp"

namespace nodepool::cli {
namespace {

/// A descriptor that is closed in the end.
class OpenFile {
 public:
  explicit OpenFile(int fd) : fd_(fd) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> unreadable(const std::string& path) {
  const std::string why = std::generic_category().message(errno);
  return failure(ErrorCode::not_found, fmt::format("{} cannot be read: {}", cron_file_title(path), why));
}

Result<std::string> read_all(int fd, const std::string& path) {
  constexpr std::size_t kPiece = 65536;
  std::string text;
  std::array<char, kPiece> piece{};
  while (true) {
    const ssize_t count = ::read(fd, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unreadable(path);
    if (count == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
    if (text.size() > kMaxCronFile) {
      return failure(ErrorCode::invalid_argument,
                     fmt::format("{} has more than {} bytes; a cron file has no more: let its commands be "
                                 "scripts in files of their own",
                                 cron_file_title(path), kMaxCronFile));
    }
  }
}

}  // namespace

std::string cron_file_title(const std::string& path) {
  return path == kStandardInput ? "standard input" : printable(path);
}

Result<std::string> read_cron_text(const std::string& path) {
  if (path == kStandardInput) return read_all(STDIN_FILENO, path);
  // A pipe without a writer must not keep us.
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd() < 0) return unreadable(path);
  struct stat info {};
  if (::fstat(file.fd(), &info) != 0) return unreadable(path);
  if (!S_ISREG(info.st_mode)) {
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("{} is no regular file; give one, or - for standard input", cron_file_title(path)));
  }
  return read_all(file.fd(), path);
}

}  // namespace nodepool::cli
