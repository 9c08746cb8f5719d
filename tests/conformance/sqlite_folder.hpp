#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "conformance/store_contract.hpp"
#include "nodepool/sqlite.hpp"

namespace nodepool::conformance {

/// A folder for one test with a place for a store in it.
class SqliteFolder {
 public:
  SqliteFolder();
  ~SqliteFolder();
  SqliteFolder(const SqliteFolder&) = delete;
  SqliteFolder& operator=(const SqliteFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return folder_; }
  [[nodiscard]] std::string store() const { return (folder_ / "pool.db").string(); }
  /// Everything in the folder: names and contents.
  [[nodiscard]] std::map<std::string, std::string> contents() const;

 private:
  std::filesystem::path folder_;
};

/// A peer with a driver of its own on the file.
Peer peer_on(const std::string& path, const std::string& name, const PoolConfig& config = middle_lease(),
             const ServiceName& service = ServiceName("service"));

/// Runs statements on a file as another program would; creates the file. A failure of the test if they fail.
void run_sql(const std::string& path, const std::string& sql);

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& content);

/// Another process, made by fork: it must not have inherited an open store. Killed when destroyed.
class Child {
 public:
  /// `body` runs in the child; it gets a descriptor to write to. The child ends when it returns, with its
  /// result.
  explicit Child(const std::function<int(int report)>& body);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Waits for one byte of the child's report; false if it has ended or five seconds are over.
  [[nodiscard]] bool heard() const;
  void kill() noexcept;
  /// Waits for its end: what `body` returned, or -1 if it did not end by itself.
  int result();

 private:
  int process_ = -1;
  int report_ = -1;
};

}  // namespace nodepool::conformance
