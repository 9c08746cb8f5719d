#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "driver/sqlite/location.hpp"
#include "nodepool/result.hpp"
#include "nodepool/types.hpp"

namespace nodepool::sqlite {

/// One prepared statement. Belongs to its connection and must go before it.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql);

  /// The result of the preparation if it failed, else SQLITE_OK.
  [[nodiscard]] int prepared() const noexcept { return prepared_; }
  void bind(int index, std::string_view text);
  void bind(int index, std::int64_t number);
  /// Any bytes, which need not be text.
  void bind_bytes(int index, std::string_view bytes);
  /// SQLITE_ROW, SQLITE_DONE or an error.
  [[nodiscard]] int step();
  [[nodiscard]] std::string text(int column);
  [[nodiscard]] std::string bytes(int column);
  [[nodiscard]] std::int64_t number(int column);

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int prepared_ = SQLITE_OK;
};

/// A line to one SQLite file. Used by one thread at a time. Waits for locks until its deadline.
class Connection {
 public:
  /// Opens a file that exists. Reads and writes nothing yet, so a foreign file gets no log beside it.
  static Result<std::unique_ptr<Connection>> open(const std::string& file, MonotonicTime deadline);

  ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Until when the next calls may wait for locks of others.
  void wait_until(MonotonicTime deadline) noexcept { deadline_ = deadline; }
  /// Runs statements without a result.
  Result<void> run(const char* sql);
  [[nodiscard]] Statement prepare(std::string_view sql) { return {database_.get(), sql}; }
  /// What a failed call means for the pool. `code` is SQLite's.
  [[nodiscard]] Error error(int code) const;
  /// The first bytes of the file, read past SQLite's notion of a database but through its descriptor: closing
  /// one of our own would drop the locks that other connections of this process hold on the file.
  [[nodiscard]] std::string header() const;
  /// True if the file is no longer the one at its path.
  [[nodiscard]] bool moved() const noexcept;
  [[nodiscard]] bool read_only() const noexcept { return sqlite3_db_readonly(database_.get(), "main") == 1; }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  /// Closing this connection will not touch the log that is at its path then: it is another one's.
  void abandon_log() const noexcept;

 private:
  struct Close {
    void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
  };
  Connection(std::string file, MonotonicTime deadline) : file_(std::move(file)), deadline_(deadline) {}
  static int wait_for_lock(void* self, int attempt) noexcept;

  std::string file_;
  MonotonicTime deadline_;
  std::unique_ptr<sqlite3, Close> database_;
};

/// A write transaction: rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  Result<void> begin();
  /// `outcome_unknown` where the write may have come through.
  Result<void> commit();

 private:
  Connection& connection_;
  bool open_ = false;
};

}  // namespace nodepool::sqlite
