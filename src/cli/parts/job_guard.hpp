#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/parts/run_plan.hpp"

namespace nodepool::cli {

/// What is run: `words[0]` with the rest as its arguments.
struct JobCommand {
  std::vector<std::string> words;
  sigset_t signal_mask{};  ///< What the command finds blocked.
};

/// A packet to the guardian. Start is followed by the environment that the command gets on top of ours:
/// "KEY=value", each with a zero byte after it.
struct GuardOrder {
  enum class Kind : std::uint32_t { start, limit, signal };
  Kind kind = Kind::limit;
  std::int32_t signal = 0;
  StopOrder limit;  ///< Of start and limit: in force until the next one.
};
inline constexpr std::size_t kMostGuardPacket = 16'384;

/// A packet from the guardian.
struct JobReport {
  enum class Kind : std::uint32_t {
    started,      ///< `value`: its process id, and that of its group.
    not_started,  ///< `value`: errno of exec or fork.
    too_late,     ///< TERM was due before the start: nothing was started.
    told,         ///< `value`: the signal (TERM or KILL) that the limit has demanded.
    ended,        ///< `value`: as waitpid has it; what it has started may still run.
    gone,         ///< Nothing of it is left.
    lost          ///< The guardian is gone, and what it guarded with it. From JobProcess.
  };
  Kind kind = Kind::gone;
  std::int32_t value = 0;
};

/// The life of the guardian: a process of its own between `nodepool run` and the command, with no thread, no
/// store and no output, that does one thing: it keeps the last limit that it was given, whatever becomes of
/// the process that gave it. If that process is frozen, TERM and KILL come on time; if it ends, KILL comes at
/// once. If the guardian is killed, the kernel kills the command.
///
/// It adopts what the command's processes leave behind, so that KILL reaches also who has left the group.
/// Never returns.
[[noreturn]] void guard_jobs(int socket, const JobCommand& command);

}  // namespace nodepool::cli
