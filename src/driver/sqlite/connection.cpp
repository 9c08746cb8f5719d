#include "driver/sqlite/connection.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "driver/common/descriptor.hpp"

namespace nodepool::sqlite {

Statement::Statement(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  prepared_ = sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  statement_.reset(statement);
}

void Statement::bind(int index, std::string_view text) {
  // A null pointer would be NULL, which is something else than an empty text.
  const char* data = text.empty() ? "" : text.data();
  sqlite3_bind_text64(statement_.get(), index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Statement::bind(int index, std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), index, number);
}

void Statement::bind_bytes(int index, std::string_view bytes) {
  // A null pointer would be NULL, which is something else than no bytes.
  const char* data = bytes.empty() ? "" : bytes.data();
  sqlite3_bind_blob64(statement_.get(), index, data, bytes.size(), SQLITE_TRANSIENT);
}

int Statement::step() {
  return prepared_ == SQLITE_OK ? sqlite3_step(statement_.get()) : prepared_;
}

std::string Statement::text(int column) {
  const unsigned char* bytes = sqlite3_column_text(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

std::string Statement::bytes(int column) {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

std::int64_t Statement::number(int column) {
  return sqlite3_column_int64(statement_.get(), column);
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& file, MonotonicTime deadline) {
  std::unique_ptr<Connection> connection(new Connection(file, deadline));
  sqlite3* database = nullptr;
  const int code =
      sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  connection->database_.reset(database);
  if (code != SQLITE_OK) return tl::unexpected(connection->error(code));
  sqlite3_extended_result_codes(database, 1);
  sqlite3_busy_handler(database, &Connection::wait_for_lock, connection.get());
  return connection;
}

int Connection::wait_for_lock(void* self, int attempt) noexcept {
  // Transactions are short, so the pauses start short; SQLite's own handler ends at 100 ms, a heartbeat's
  // length.
  using std::chrono::microseconds;
  const microseconds pause = std::min(microseconds(500) * (attempt + 1), microseconds(5000));
  const auto now = BootClock::now();
  const auto deadline = static_cast<Connection*>(self)->deadline_;
  if (now >= deadline) return 0;
  driver::wait_readable(-1, -1, std::min(deadline, now + pause));
  return 1;
}

Result<void> Connection::run(const char* sql) {
  const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return tl::unexpected(error(code));
  return {};
}

Error Connection::error(int code) const {
  const int primary = code & 0xff;
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) {
    return {ErrorCode::unavailable,
            fmt::format("another process kept the store '{}' locked until the deadline; try again", file_)};
  }
  // SQLITE_ERROR: a table or a column is not there.
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR) {
    return {ErrorCode::store_corrupt,
            fmt::format(
                "the store '{}' is damaged ({}) and was left as it is; stop all its nodes, delete it, and "
                "the next node makes a new one",
                file_, sqlite3_errstr(code))};
  }
  if (primary == SQLITE_FULL) {
    return {ErrorCode::unavailable,
            fmt::format("no room to write the store '{}': its disk is full; make room", file_)};
  }
  const std::string folder = std::filesystem::path(file_).parent_path().string();
  const bool allowed =
      ::access(file_.c_str(), R_OK | W_OK) == 0 && ::access(folder.c_str(), W_OK | X_OK) == 0;
  if (!allowed || primary == SQLITE_READONLY || primary == SQLITE_PERM) {
    return {ErrorCode::permission_denied,
            fmt::format("cannot write the store '{}': the file and its folder must be writable for this user",
                        file_)};
  }
  const int reason = database_ ? sqlite3_system_errno(database_.get()) : 0;
  return {ErrorCode::unavailable,
          fmt::format("cannot use the store '{}': {}{}{}; check its disk", file_, sqlite3_errstr(code),
                      reason != 0 ? ", " : "", reason != 0 ? std::generic_category().message(reason) : "")};
}

std::string Connection::header() const {
  std::array<char, 100> bytes{};
  sqlite3_file* file = nullptr;
  const int code = sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (code != SQLITE_OK || file == nullptr || file->pMethods == nullptr) return {};
  if (file->pMethods->xRead(file, bytes.data(), static_cast<int>(bytes.size()), 0) != SQLITE_OK) return {};
  return {bytes.data(), bytes.size()};
}

bool Connection::moved() const noexcept {
  int moved = 0;
  const int code = sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return code != SQLITE_OK || moved != 0;
}

void Connection::abandon_log() const noexcept {
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Transaction::~Transaction() {
  if (open_) [[maybe_unused]]
    const auto ignored = connection_.run("ROLLBACK");
}

Result<void> Transaction::begin() {
  auto begun = connection_.run("BEGIN IMMEDIATE");
  open_ = begun.has_value();
  return begun;
}

Result<void> Transaction::commit() {
  auto committed = connection_.run("COMMIT");
  if (committed) {
    open_ = false;
    return committed;
  }
  if (committed.error().code == ErrorCode::unavailable) committed.error().code = ErrorCode::outcome_unknown;
  return committed;
}

}  // namespace nodepool::sqlite
