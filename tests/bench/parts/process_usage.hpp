#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

/// What the kernel counts of a process (/proc). A process that is gone counts nothing.

namespace nodepool::bench {

/// Its time on a processor so far, of all its threads; in steps of 10 ms.
[[nodiscard]] std::chrono::nanoseconds cpu_time(pid_t process);

struct ThreadUsage {
  std::string name;
  std::uint64_t switches = 0;  ///< Voluntary and involuntary: how often it was put on a processor.
};
/// By thread id.
[[nodiscard]] std::map<pid_t, ThreadUsage> threads_of(pid_t process);

/// Resident memory in KiB, by the kernel's accounting of its pages: all of it, and what belongs to it alone.
struct Memory {
  std::uint64_t resident_kib = 0;
  std::uint64_t private_kib = 0;
};
[[nodiscard]] Memory memory_of(pid_t process);

[[nodiscard]] std::size_t open_files_of(pid_t process);

/// Allows this process and its children as many open files as the system lets it.
void raise_open_files_limit();

}  // namespace nodepool::bench
