#include "driver/sqlite/store_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "driver/common/descriptor.hpp"
#include "driver/sqlite/format.hpp"

namespace nodepool::sqlite {

Result<StoreFile::Attachment> StoreFile::attach(const Location& location, bool create,
                                                MonotonicTime deadline) {
  if (connection_ && location.file_identity && location.file_identity == location_.file_identity) {
    connection_->wait_until(deadline);
    if (!log_) return Attachment::kept;
    return check_log().map([] { return Attachment::kept; });
  }
  connection_.reset();
  log_.reset();
  auto attachment = Attachment::opened;
  if (!location.file_identity) {
    if (!create) return Attachment::none;
    auto made = create_store(location, deadline);
    if (!made) return tl::unexpected(std::move(made.error()));
    if (*made) attachment = Attachment::made;
  }
  auto connection = open_store(location, deadline);
  if (!connection) return tl::unexpected(std::move(connection.error()));
  auto opened = locate(path_);
  if (!opened) return tl::unexpected(std::move(opened.error()));
  connection_ = std::move(*connection);
  location_ = std::move(*opened);
  return attachment;
}

Result<void> StoreFile::check_log() {
  const auto present = log_identity_of(connection_->file());
  if (!log_) log_ = present;
  if (present && present == log_) return {};
  connection_->abandon_log();
  return failure(ErrorCode::store_corrupt,
                 fmt::format("SQLite's log of the store '{0}' was deleted while nodes run; stop all of them, "
                             "then start them again, and never delete '{0}-wal' or '{0}-shm' alone",
                             connection_->file()));
}

Result<void> StoreFile::flush_log() const {
  const std::string name = connection_->file() + "-wal";
  const driver::Descriptor log(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (log && ::fdatasync(log.get()) == 0) return {};
  return failure(ErrorCode::outcome_unknown, fmt::format("cannot make '{}' durable: {}; check its disk", name,
                                                         std::generic_category().message(errno)));
}

bool StoreFile::in_place() const {
  const auto location = locate(path_);
  return connection_ && location && location->file_identity &&
         location->file_identity == location_.file_identity;
}

}  // namespace nodepool::sqlite
