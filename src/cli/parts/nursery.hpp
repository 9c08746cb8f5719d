#pragma once

#include <sys/types.h>

#include <csignal>
#include <mutex>
#include <string>
#include <vector>

#include "cli/parts/job_guard.hpp"
#include "driver/common/descriptor.hpp"

namespace nodepool::cli {

inline constexpr const char* kNoNursery =
    "the process that starts commands is gone; start nodepool again, and find out who has killed it";
inline constexpr const char* kFrozenNursery =
    "the process that starts commands does not answer; find out who has stopped it, or what keeps this "
    "machine "
    "so busy";

/// A command as its user wants it.
struct GuardedCommand {
  std::vector<std::string> words;        ///< Not empty.
  std::string user;                      ///< Empty: as we are.
  std::string directory;                 ///< Empty: where we are, or the user's home.
  std::vector<std::string> environment;  ///< "KEY=value", on top of ours.
  std::string input;                     ///< What its standard input has; then it ends.
};

/// A process without threads that forks a guardian (job_guard.hpp) for each command it is asked for: a
/// process with threads had better not fork. It ends with the process that has made it; the guardians then
/// kill what they guard. Of a guardian that is killed itself it kills what that leaves behind.
///
/// To be made before any thread is started. Thread-safe from then on. The destructor waits until the
/// guardians have ended, some seconds at most.
class Nursery {
 public:
  /// `mask`: the signals that commands are to find blocked.
  [[nodiscard]] static Result<Nursery> make(const sigset_t& mask);
  Nursery(Nursery&& other) noexcept;
  Nursery& operator=(Nursery&&) = delete;
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;
  ~Nursery();

  /// What the command's guardian is told and tells goes over `orders`; what the command puts out comes from
  /// `output`, which does not block. `witness` ends once the guardian and all that it may have left behind
  /// are gone, or the nursery is.
  struct Guarded {
    driver::Descriptor orders;
    driver::Descriptor output;
    driver::Descriptor witness;
  };
  /// Makes a guardian; its command is started by its first order. Waits a second at most. `unavailable` if
  /// descriptors or memory are short or the nursery does not answer, `internal` if it is gone: then nothing
  /// can be started any more.
  [[nodiscard]] Result<Guarded> guard(const GuardedCommand& command);
  /// Whether somebody has killed it: nothing can be started any more.
  [[nodiscard]] bool is_gone();

 private:
  Nursery(driver::Descriptor socket, pid_t process) noexcept;

  driver::Descriptor socket_;
  std::mutex mutex_;
  pid_t process_ = 0;  ///< 0 once it is reaped; guarded by mutex_.
};

}  // namespace nodepool::cli
