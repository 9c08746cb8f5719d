#include "driver/sqlite/format.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <system_error>
#include <utility>

#include "driver/common/descriptor.hpp"

namespace nodepool::sqlite {
namespace {

constexpr std::uint32_t kApplicationId = 0x6e6f6470;  // "nodp"
constexpr std::uint32_t kFormatVersion = 1;
/// `version` counts the hints that were published, so that a session can tell its own from those of others.
constexpr const char* kSchema =
    "CREATE TABLE pools (service TEXT PRIMARY KEY NOT NULL, state TEXT NOT NULL, version INTEGER NOT NULL)";

/// Where the header of a SQLite file has its fields (https://www.sqlite.org/fileformat.html, section 1.3).
constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr std::size_t kUserVersionAt = 60;
constexpr std::size_t kApplicationIdAt = 68;

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (const char byte : bytes.substr(at, 4)) value = value << 8U | static_cast<unsigned char>(byte);
  return value;
}

tl::unexpected<Error> foreign(const std::string& file, std::string_view what) {
  return failure(
      ErrorCode::store_corrupt,
      fmt::format("'{}' is {}, not a nodepool store, and was left untouched; give another path or move "
                  "the file away",
                  file, what));
}

Result<void> check_header(const Connection& connection) {
  const std::string header = connection.header();
  if (header.empty()) return foreign(connection.file(), "too short for a database");
  if (!header.starts_with(kMagic)) return foreign(connection.file(), "not an SQLite database");
  if (big_endian(header, kApplicationIdAt) != kApplicationId) {
    return foreign(connection.file(), "an SQLite database of another program");
  }
  const std::uint32_t version = big_endian(header, kUserVersionAt);
  if (version > kFormatVersion) {
    return failure(
        ErrorCode::unsupported,
        fmt::format("the store '{}' has format {}, this nodepool knows formats up to {}; use a newer "
                    "nodepool or another path",
                    connection.file(), version, kFormatVersion));
  }
  if (version == 0) return foreign(connection.file(), "an SQLite database without a format version");
  return {};
}

/// The first column of the only row that the statement is asked for.
Result<std::string> ask(Connection& connection, std::string_view sql) {
  Statement statement = connection.prepare(sql);
  const int code = statement.step();
  if (code != SQLITE_ROW) return tl::unexpected(connection.error(code));
  return statement.text(0);
}

/// The first real reads: SQLite opens its log here.
Result<void> check_content(Connection& connection) {
  const auto sound = ask(connection, "PRAGMA quick_check(1)");
  if (!sound) return tl::unexpected(sound.error());
  if (*sound != "ok") return tl::unexpected(connection.error(SQLITE_CORRUPT));
  if (auto table = ask(connection, "SELECT count(service || state || version) FROM pools"); !table) {
    return tl::unexpected(std::move(table.error()));
  }
  const auto mode = ask(connection, "PRAGMA journal_mode = WAL");
  if (!mode) return tl::unexpected(mode.error());
  if (*mode == "wal") return connection.run("PRAGMA synchronous = NORMAL");
  return failure(
      ErrorCode::unavailable,
      fmt::format("the store '{}' cannot be shared between processes on this file system; put it on a "
                  "local disk",
                  connection.file()));
}

tl::unexpected<Error> cannot_create(const Location& location, int reason) {
  const bool forbidden = reason == EACCES || reason == EPERM || reason == EROFS;
  return failure(
      forbidden ? ErrorCode::permission_denied : ErrorCode::unavailable,
      fmt::format("cannot create the store '{}': {}; the folder must be writable for this user and have "
                  "room",
                  location.file, std::generic_category().message(reason)));
}

/// A file that is removed again unless it gets its final name.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& file) : name_(file + ".XXXXXX") {
    const driver::Descriptor made(::mkostemp(name_.data(), O_CLOEXEC));  // Mode 0600.
    made_ = static_cast<bool>(made);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (made_) ::unlink(name_.c_str());
  }

  [[nodiscard]] bool made() const noexcept { return made_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// True if it has the final name now; false with errno set, EEXIST if there is such a file.
  bool rename_to(const std::string& file) noexcept {
    if (::renameat2(AT_FDCWD, name_.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) == 0) {
      made_ = false;
      return true;
    }
    // Some file systems cannot rename without replacing, but link.
    return errno == EINVAL && ::link(name_.c_str(), file.c_str()) == 0;
  }

 private:
  std::string name_;
  bool made_ = false;
};

Result<void> write_empty_store(const std::string& file, MonotonicTime deadline) {
  auto connection = Connection::open(file, deadline);
  if (!connection) return tl::unexpected(std::move(connection.error()));
  const std::string script = fmt::format(
      "BEGIN; PRAGMA application_id = {}; PRAGMA user_version = {}; {}; COMMIT;"
      "PRAGMA journal_mode = WAL",
      kApplicationId, kFormatVersion, kSchema);
  return (*connection)->run(script.c_str());
}

/// One maker at a time: a log that is left of a deleted store must go before the new store's file is there,
/// and never after, when it may be the new store's.
Result<driver::Descriptor> lock_makers(const Location& location, MonotonicTime deadline) {
  const std::string name = location.file + "-hint";
  driver::Descriptor file(
      ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, S_IRUSR | S_IWUSR));
  if (!file) return cannot_create(location, errno);
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || errno == EINTR)) {
    if (BootClock::now() >= deadline) return cannot_create(location, EWOULDBLOCK);
    driver::wait_readable(-1, -1, BootClock::now() + std::chrono::milliseconds(2));
  }
  return file;
}

}  // namespace

Result<bool> create_store(const Location& location, MonotonicTime deadline) {
  auto makers = lock_makers(location, deadline);
  if (!makers) return tl::unexpected(std::move(makers.error()));
  if (::access(location.file.c_str(), F_OK) == 0) return false;
  TemporaryFile temporary(location.file);
  if (!temporary.made()) return cannot_create(location, errno);
  if (auto written = write_empty_store(temporary.name(), deadline); !written) {
    return tl::unexpected(std::move(written.error()));
  }
  for (const char* leftover : {"-wal", "-shm", "-journal"}) ::unlink((location.file + leftover).c_str());
  if (temporary.rename_to(location.file)) return true;
  if (errno == EEXIST) return false;
  return cannot_create(location, errno);
}

Result<std::unique_ptr<Connection>> open_store(const Location& location, MonotonicTime deadline) {
  auto connection = Connection::open(location.file, deadline);
  if (!connection) return connection;
  Connection& opened = **connection;
  if (auto ours = check_header(opened); !ours) return tl::unexpected(std::move(ours.error()));
  if (opened.read_only()) return tl::unexpected(opened.error(SQLITE_READONLY));
  if (auto sound = check_content(opened); !sound) return tl::unexpected(std::move(sound.error()));
  if (opened.moved()) {
    return failure(ErrorCode::unavailable,
                   fmt::format("the store '{}' was replaced while it was opened; try again", location.file));
  }
  return connection;
}

}  // namespace nodepool::sqlite
