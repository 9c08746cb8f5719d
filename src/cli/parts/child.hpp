#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "nodepool/result.hpp"

namespace nodepool::cli {

/// A process of ours: started with its output in pipes, and never left behind.
///
/// It runs in its own process group, so that a Ctrl-C meant for us does not reach it, and the kernel kills it
/// when the thread that started it ends. The destructor kills it (also when it is frozen) and waits for it.
/// Belongs to one thread.
class Child {
 public:
  /// Starts `arguments[0]` with the rest as its arguments, with our environment and `environment`
  /// ("KEY=value") on top. A program that cannot be started shows as exit code 127. REQUIRES: arguments is
  /// not empty.
  [[nodiscard]] static Result<Child> start(const std::vector<std::string>& arguments,
                                           const std::vector<std::string>& environment = {});
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Where its output and its errors can be waited for; -1 once they have ended.
  [[nodiscard]] int output_fd() const noexcept { return output_.fd; }
  [[nodiscard]] int errors_fd() const noexcept { return errors_.fd; }

  /// Sends a signal; false if it has ended.
  bool signal(int number) noexcept;
  /// Takes in what it has written; never waits.
  void read();
  /// The complete lines of output that were not taken yet.
  [[nodiscard]] std::vector<std::string> take_lines();
  /// All of the output that take_lines has not taken, and all of the errors.
  [[nodiscard]] const std::string& output() const noexcept { return output_.text; }
  [[nodiscard]] const std::string& errors() const noexcept { return errors_.text; }
  /// No more closes its output: as if its reader were gone.
  void close_output() noexcept;
  /// Its exit code (128 + the signal that ended it), or none while it runs. Never waits.
  [[nodiscard]] std::optional<int> exit_code() noexcept;

 private:
  struct Pipe {
    int fd = -1;
    std::string text;
  };
  Child(pid_t pid, int output, int errors) noexcept;
  static void read(Pipe& pipe);
  void end() noexcept;

  pid_t pid_ = -1;
  Pipe output_;
  Pipe errors_;
  std::optional<int> exit_code_;
};

}  // namespace nodepool::cli
