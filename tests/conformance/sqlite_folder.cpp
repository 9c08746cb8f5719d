#include "conformance/sqlite_folder.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "driver/common/descriptor.hpp"

namespace nodepool::conformance {

SqliteFolder::SqliteFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "nodepool-sqlite-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder");
  folder_ = pattern;
}

SqliteFolder::~SqliteFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::map<std::string, std::string> SqliteFolder::contents() const {
  std::map<std::string, std::string> contents;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    contents[entry.path().filename().string()] = entry.is_regular_file() ? read_file(entry.path()) : "";
  }
  return contents;
}

Peer peer_on(const std::string& path, const std::string& name, const PoolConfig& config,
             const ServiceName& service) {
  return {*open_sqlite(path).value(), service, name, config};
}

void run_sql(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database);
  EXPECT_EQ(sqlite3_close(database), SQLITE_OK);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

Child::Child(const std::function<int(int report)>& body) {
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) throw std::runtime_error("cannot make a pipe");
  process_ = ::fork();
  if (process_ == 0) {
    ::close(ends[0]);
    ::_exit(body(ends[1]));
  }
  ::close(ends[1]);
  report_ = ends[0];
}

Child::~Child() {
  kill();
  if (process_ > 0) ::waitpid(process_, nullptr, 0);
  ::close(report_);
}

bool Child::heard() const {
  char byte = 0;
  return driver::wait_readable(report_, -1, soon()).first && ::read(report_, &byte, 1) == 1;
}

void Child::kill() noexcept {
  if (process_ > 0) ::kill(process_, SIGKILL);
}

int Child::result() {
  // The report ends with the process.
  while (heard()) continue;
  int status = -1;
  if (::waitpid(process_, &status, 0) != process_) return -1;
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace nodepool::conformance
