// A store of one's own: a folder with one file for each service, shared by the processes of one machine under
// flock. All of the protocol is in apply_sync; a driver only has to make "load, apply, save" one atomic step
// and to be honest about what its store may have lost.
//
//     example_custom_driver /tmp/pools        two nodes in it share twenty jobs; the first start waits for
//                                             one lease, as the folder cannot prove that it was never used

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <thread>

#include "nodepool/pool.hpp"
#include "nodepool/view_store.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;

/// The right to read and write one service's file, while it lives.
class FileLock {
 public:
  /// Tries until the deadline; `held` says how that went. The lock file itself is never removed.
  FileLock(const std::string& file, MonotonicTime deadline)
      : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    while (fd_ >= 0 && !(held_ = ::flock(fd_, LOCK_EX | LOCK_NB) == 0) && BootClock::now() < deadline) {
      std::this_thread::sleep_for(1ms);
    }
  }
  ~FileLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  [[nodiscard]] bool held() const { return held_; }

 private:
  int fd_;
  bool held_ = false;
};

class FileSession final : public Session {
 public:
  explicit FileSession(std::string file) : file_(std::move(file)) {}

  Result<SyncReply> sync(const SyncRequest& request, MonotonicTime deadline) override {
    const FileLock lock(file_ + ".lock", deadline);
    if (!lock.held()) return busy();
    auto state = load();
    if (!state) return tl::unexpected(state.error());
    auto outcome = apply_sync(*state, request, now());
    if (!outcome) return tl::unexpected(outcome.error());
    if (const auto saved = save(*state); !saved) return tl::unexpected(saved.error());
    return outcome->reply;  // outcome->publish goes nowhere: this store has no hints, and says so
  }

  Result<PoolStatus> status(MonotonicTime deadline) override {
    const FileLock lock(file_ + ".lock", deadline);
    if (!lock.held()) return busy();
    const auto state = load();
    if (!state) return tl::unexpected(state.error());
    if (!*state) return unknown();
    return status_of(**state);
  }

  Result<void> request_drain(const NodeId& node, MonotonicTime deadline) override {
    const FileLock lock(file_ + ".lock", deadline);
    if (!lock.held()) return busy();
    auto state = load();
    if (!state) return tl::unexpected(state.error());
    if (!*state) return unknown();
    if (const auto marked = apply_drain_request(**state, node); !marked)
      return tl::unexpected(marked.error());
    return save(*state);
  }

  /// Without hints there is only the time, and the pool's own wish to be woken.
  std::vector<Hint> wait(MonotonicTime until, int wake_fd) override {
    const auto now = BootClock::now();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::max(until, now) - now);
    pollfd wake{wake_fd, POLLIN, 0};
    ::poll(&wake, 1, static_cast<int>(std::min<std::chrono::milliseconds>(left, 1h).count()));
    return {};
  }

 private:
  /// Leases must never be cut short by a step of the clock, so time is counted from the boot; and what was
  /// not yet on the disk when the machine went down is gone, so every boot is a new run of the "server".
  static StoreNow now() {
    using namespace std::chrono;
    std::string boot_id;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> boot_id;
    return {.time = duration_cast<microseconds>(BootClock::now().time_since_epoch()),
            .unix_time = duration_cast<milliseconds>(system_clock::now().time_since_epoch()),
            .run_id = boot_id,
            .proven_fresh = false};  // somebody may have deleted the file a moment ago
  }

  [[nodiscard]] Result<std::optional<PoolState>> load() const {
    if (::access(file_.c_str(), F_OK) != 0) return std::optional<PoolState>();
    std::ifstream in(file_, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    if (!in) return failure(ErrorCode::unavailable, "cannot read " + file_ + "; check its permissions");
    return decode_state(text).map([](PoolState state) { return std::optional(std::move(state)); });
  }

  /// Readers see the old text or the new one, never a half.
  [[nodiscard]] Result<void> save(const std::optional<PoolState>& state) const {
    if (!state) return {};
    const std::string draft = file_ + ".new";
    std::ofstream out(draft, std::ios::binary | std::ios::trunc);
    out << encode_state(*state);
    out.close();
    if (out && std::rename(draft.c_str(), file_.c_str()) == 0) return {};
    return failure(ErrorCode::unavailable, "cannot write " + file_ + "; is the disk full?");
  }

  [[nodiscard]] tl::unexpected<Error> busy() const {
    return failure(ErrorCode::unavailable, file_ + " is locked by another process; trying again may help");
  }
  [[nodiscard]] tl::unexpected<Error> unknown() const {
    return failure(ErrorCode::not_found, "no node has ever joined in " + file_);
  }

  std::string file_;
};

class FileDriver final : public Driver {
 public:
  explicit FileDriver(std::string folder) : folder_(std::move(folder)) {}

  [[nodiscard]] std::string describe() const override { return "folder:" + folder_; }
  [[nodiscard]] Capabilities capabilities() const noexcept override { return {.hints = false}; }

  /// A service's name may have slashes and dots; a file's name had better not.
  [[nodiscard]] std::unique_ptr<Session> open(const ServiceName& service) override {
    std::string file = folder_ + "/";
    for (const char letter : service.str()) {
      const bool plain = std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '-';
      file += plain ? std::string(1, letter) : '_' + std::to_string(int{letter}) + '_';
    }
    return std::make_unique<FileSession>(file);
  }

 private:
  std::string folder_;
};

/// How many of the jobs are run by exactly one of the two.
int jobs_with_one_owner(const NodePool& one, const NodePool& other, int jobs) {
  int good = 0;
  for (int job = 0; job < jobs; ++job) {
    const std::string name = "job" + std::to_string(job);
    if (one.is_eligible(name) != other.is_eligible(name)) ++good;
  }
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::filesystem::create_directories(argv[1]);
  const auto driver = std::make_shared<FileDriver>(argv[1]);
  const PoolOptions options{.heartbeat = 100ms, .lease = 600ms};
  NodePool one(ServiceName("custom"), driver, options);
  NodePool other(ServiceName("custom"), driver, options);
  for (NodePool* pool : {&one, &other}) {
    if (const auto started = pool->start(); !started) {
      std::cerr << started.error().message << '\n';
      return 1;
    }
  }
  constexpr int kJobs = 20;
  const auto deadline = BootClock::now() + 10s;
  while (jobs_with_one_owner(one, other, kJobs) < kJobs && BootClock::now() < deadline) {
    std::this_thread::sleep_for(5ms);
  }
  const int good = jobs_with_one_owner(one, other, kJobs);
  std::cout << good << " of " << kJobs << " jobs have exactly one owner, on " << driver->describe() << '\n';
  other.stop();
  one.stop();
  return good == kJobs ? 0 : 1;
}
