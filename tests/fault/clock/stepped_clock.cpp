// A library to preload into a server: its civil clock then differs from the machine's by what stands in the
// file that NODEPOOL_STEPPED_CLOCK names (8 bytes: microseconds, signed). The file is mapped, so a change of
// it is a step of the clock while the server runs. Monotonic clocks go on undisturbed, as they do when a real
// clock is stepped. It calls the kernel itself and allocates nothing, so that it gets along with any
// allocator.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;

const volatile std::int64_t* shared_step = nullptr;

__attribute__((constructor)) void map_step() {
  const char* path = std::getenv("NODEPOOL_STEPPED_CLOCK");
  if (path == nullptr) return;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  void* page = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  if (page != MAP_FAILED) shared_step = static_cast<const volatile std::int64_t*>(page);
}

int true_time(clockid_t clock, timespec* time) {
  return static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
}

void step(timespec* time) {
  if (shared_step == nullptr) return;
  const std::int64_t total =
      std::int64_t{time->tv_sec} * kMicrosecondsPerSecond + time->tv_nsec / 1000 + *shared_step;
  time->tv_sec = total / kMicrosecondsPerSecond;
  time->tv_nsec = (total % kMicrosecondsPerSecond) * 1000;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int result = true_time(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) step(time);
  return result;
}

__attribute__((visibility("default"))) int gettimeofday(timeval* time, void* /*zone*/) noexcept {
  timespec now{};
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return result;
}

__attribute__((visibility("default"))) std::time_t time(std::time_t* result) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != nullptr) *result = now.tv_sec;
  return now.tv_sec;
}
}
