#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fuzz/finding.hpp"
#include "fuzz/targets.hpp"
#include "nodepool/sqlite.hpp"
#include "nodepool/view_store.hpp"

namespace nodepool::fuzz {
namespace {

/// A folder of this process's own, in memory where there is such a file system.
class Folder {
 public:
  Folder() {
    const char* parent = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    path_ = std::string(parent) + "/nodepool-fuzz-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// The only file in it, with these bytes.
  [[nodiscard]] std::string file_with(std::string_view bytes) const {
    for (const auto& old : std::filesystem::directory_iterator(path_)) std::filesystem::remove(old.path());
    const std::string file = path_ + "/pool.db";
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file;
  }

 private:
  std::string path_;
};

MonotonicTime soon() {
  return BootClock::now() + std::chrono::seconds(2);
}

}  // namespace

void sqlite_file(std::string_view bytes) {
  static const Folder kFolder;
  const auto driver = open_sqlite(kFolder.file_with(bytes)).value();
  const auto session = driver->open(ServiceName("service"));
  static_cast<void>(session->status(soon()));
  SyncRequest request{.node = {.id = NodeId("x"), .name = NodeName("x")}, .sequence = 1, .nonce = "x.1"};
  const auto reply = session->sync(request, soon());
  if (!reply) {
    expect(!reply.error().message.empty(), "an error says something");
    return;
  }
  expect(reply->members.has_value(), "who joins is told the members");
  const auto status = session->status(soon());
  expect(status.has_value(), "a store that was written to can be read");
  expect(status->view == reply->view, "the store has what it told");
}

}  // namespace nodepool::fuzz
