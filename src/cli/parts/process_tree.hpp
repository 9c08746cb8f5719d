#pragma once

#include <sys/types.h>

#include <vector>

namespace nodepool::cli {

struct ChildProcess {
  pid_t pid = 0;
  pid_t group = 0;
};

/// The children of this process that are not yet reaped; looked up in /proc, and each confirmed by the
/// kernel: the numbers of a /proc that was mounted for other processes are not mistaken for ours.
[[nodiscard]] std::vector<ChildProcess> children();

/// Sends the signal to each child's whole process group, once to each; to the child alone where that group is
/// our own. REQUIRES: none of them was reaped, so that the kernel has given their numbers to nobody else.
void signal_groups_of(const std::vector<ChildProcess>& processes, int number);

}  // namespace nodepool::cli
