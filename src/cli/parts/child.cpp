#include "cli/parts/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "cli/parts/execution.hpp"

namespace nodepool::cli {
namespace {

/// The ends of two pipes; what is left open is closed.
struct Pipes {
  std::array<int, 2> output{-1, -1};
  std::array<int, 2> errors{-1, -1};
  Pipes() = default;
  Pipes(const Pipes&) = delete;
  Pipes& operator=(const Pipes&) = delete;
  ~Pipes() {
    for (const int fd : {output[0], output[1], errors[0], errors[1]}) {
      if (fd >= 0) ::close(fd);
    }
  }
  bool open() { return ::pipe2(output.data(), O_CLOEXEC) == 0 && ::pipe2(errors.data(), O_CLOEXEC) == 0; }
};

/// Runs in the child, between fork and exec: only what is safe in a signal handler is allowed here.
[[noreturn]] void become(const Pipes& pipes, pid_t parent, char* const* arguments, char* const* environment) {
  constexpr int kCannotStart = 127;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kCannotStart);  // It died before the line above.
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(pipes.output[1], STDOUT_FILENO);
  ::dup2(pipes.errors[1], STDERR_FILENO);
  ::execvpe(arguments[0], arguments, environment);
  ::_exit(kCannotStart);
}

}  // namespace

Result<Child> Child::start(const std::vector<std::string>& arguments,
                           const std::vector<std::string>& environment) {
  Pipes pipes;
  if (!pipes.open()) {
    return failure(ErrorCode::internal, fmt::format("no pipe for a new process can be made ({})",
                                                    std::generic_category().message(errno)));
  }
  std::vector<std::string> words = arguments;
  std::vector<std::string> variables = environment_with(environment);
  const std::vector<char*> word_pointers = pointers_to(words);
  const std::vector<char*> variable_pointers = pointers_to(variables);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(pipes, parent, word_pointers.data(), variable_pointers.data());
  if (pid < 0) {
    return failure(ErrorCode::internal, fmt::format("a new process cannot be started ({})",
                                                    std::generic_category().message(errno)));
  }
  for (const int fd : {pipes.output[0], pipes.errors[0]}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return Child(pid, std::exchange(pipes.output[0], -1), std::exchange(pipes.errors[0], -1));
}

Child::Child(pid_t pid, int output, int errors) noexcept
    : pid_(pid), output_{output, {}}, errors_{errors, {}} {}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      output_{std::exchange(other.output_.fd, -1), std::move(other.output_.text)},
      errors_{std::exchange(other.errors_.fd, -1), std::move(other.errors_.text)},
      exit_code_(other.exit_code_) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  end();
  pid_ = std::exchange(other.pid_, -1);
  output_ = {std::exchange(other.output_.fd, -1), std::move(other.output_.text)};
  errors_ = {std::exchange(other.errors_.fd, -1), std::move(other.errors_.text)};
  exit_code_ = other.exit_code_;
  return *this;
}

Child::~Child() {
  end();
}

void Child::end() noexcept {
  if (pid_ > 0 && !exit_code()) {
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  for (Pipe* pipe : {&output_, &errors_}) {
    if (pipe->fd >= 0) ::close(std::exchange(pipe->fd, -1));
  }
}

bool Child::signal(int number) noexcept {
  return !exit_code() && ::kill(pid_, number) == 0;
}

void Child::read(Pipe& pipe) {
  constexpr std::size_t kChunk = std::size_t{16} * 1024;
  std::array<char, kChunk> chunk{};
  while (pipe.fd >= 0) {
    const ssize_t count = ::read(pipe.fd, chunk.data(), chunk.size());
    if (count > 0) {
      pipe.text.append(chunk.data(), static_cast<std::size_t>(count));
    } else if (count == 0) {
      ::close(std::exchange(pipe.fd, -1));
    } else if (errno != EINTR) {
      return;
    }
  }
}

void Child::read() {
  read(output_);
  read(errors_);
}

std::vector<std::string> Child::take_lines() {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = output_.text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(output_.text.substr(begin, end - begin));
  }
  output_.text.erase(0, begin);
  return lines;
}

void Child::close_output() noexcept {
  if (output_.fd >= 0) ::close(std::exchange(output_.fd, -1));
}

std::optional<int> Child::exit_code() noexcept {
  int status = 0;
  if (!exit_code_ && pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    exit_code_ = exit_code_of(status);
  }
  return exit_code_;
}

}  // namespace nodepool::cli
