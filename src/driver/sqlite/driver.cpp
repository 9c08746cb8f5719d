#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "driver/sqlite/ledger.hpp"
#include "driver/sqlite/session.hpp"
#include "nodepool/sqlite.hpp"

namespace nodepool {
namespace {

class SqliteDriver final : public Driver {
 public:
  SqliteDriver(std::string shown, std::string absolute)
      : shown_(std::move(shown)), absolute_(std::move(absolute)) {}

  std::string describe() const override { return "sqlite:" + shown_; }
  Capabilities capabilities() const noexcept override { return {}; }
  std::unique_ptr<Session> open(const ServiceName& service) override {
    return std::make_unique<sqlite::SqliteSession>(absolute_, service);
  }
  std::unique_ptr<Ledger> open_ledger(const ServiceName& service) override {
    return std::make_unique<sqlite::SqliteLedger>(absolute_, service);
  }

 private:
  const std::string shown_;
  const std::string absolute_;
};

}  // namespace

Result<std::shared_ptr<Driver>> open_sqlite(const std::string& path) {
  if (path.empty()) {
    return failure(ErrorCode::invalid_argument,
                   "the path of the SQLite store is empty; give the path of a file");
  }
  if (path.find('\0') != std::string::npos) {
    return failure(ErrorCode::invalid_argument, "the path of the SQLite store has a zero byte; correct it");
  }
  if (path.ends_with('/')) {
    return failure(ErrorCode::invalid_argument,
                   "'" + path + "' is the path of a folder; give the path of a file in it");
  }
  // The process may change its working folder later.
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  if (error) {
    return failure(ErrorCode::invalid_argument,
                   "cannot tell the working folder for '" + path + "'; give an absolute path");
  }
  return std::make_shared<SqliteDriver>(path, absolute.string());
}

}  // namespace nodepool
