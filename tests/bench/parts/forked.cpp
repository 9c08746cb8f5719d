#include "parts/forked.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace nodepool::bench {

void* map_shared(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
  return memory;
}

Forked::Forked(const std::function<void(int orders)>& body) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(ends[1]);
    if (::getppid() == parent) body(ends[0]);
    ::_exit(0);
  }
  ::close(ends[0]);
  pipe_ = ends[1];
}

Forked::Forked(Forked&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pipe_(std::exchange(other.pipe_, -1)) {}

void Forked::kill() noexcept {
  // First the signal: at the end of its pipe the process would end in good order, and say good-bye.
  if (pid_ > 0) ::kill(pid_, SIGKILL);
  if (pipe_ >= 0) ::close(std::exchange(pipe_, -1));
  if (pid_ <= 0) return;
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

bool Forked::write_all(const void* bytes, std::size_t size) {
  ::signal(SIGPIPE, SIG_IGN);
  return ::write(pipe_, bytes, size) == static_cast<ssize_t>(size);  // Small enough to be written at once.
}

bool read_all(int pipe, void* bytes, std::size_t size) {
  ssize_t count = 0;
  do {
    count = ::read(pipe, bytes, size);
  } while (count < 0 && errno == EINTR);
  return count == static_cast<ssize_t>(size);
}

}  // namespace nodepool::bench
