#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/parts/run_plan.hpp"

namespace nodepool::cli {

/// What is run: `words[0]` with the rest as its arguments.
struct JobCommand {
  std::vector<std::string> words;
  sigset_t signal_mask{};                     ///< What the command finds blocked.
  std::vector<std::string> environment = {};  ///< "KEY=value", on top of ours.
  std::string user = {};                      ///< Whom it runs as; empty: as we do.
  std::string directory = {};                 ///< Where; empty: where we are, or the user's home.
  int input = -1;                             ///< Its standard input; -1: ours.
  int output = -1;                            ///< Its output and errors; -1: ours.
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
    not_started,  ///< `value`: errno of exec or fork, or one of `StartFault`.
    too_late,     ///< TERM was due before the start: nothing was started.
    told,         ///< `value`: the signal (TERM or KILL) that the limit has demanded.
    ended,        ///< `value`: as waitpid has it; what it has started may still run.
    gone,         ///< Nothing of it is left.
    lost,         ///< The guardian is gone, and what it guarded with it. From JobProcess.
    guarding      ///< `value`: the guardian's process id. From its nursery, before all others.
  };
  Kind kind = Kind::gone;
  std::int32_t value = 0;
};

/// Why a command could not be made what it was to be, where errno does not say it.
enum class StartFault : std::int32_t { no_such_user = 10'000, may_not_be_user, no_directory };
/// In words.
[[nodiscard]] std::string why_not_started(std::int32_t value);

/// A guardian that is gone or frozen is noticed by what it does not do: this never waits.
void send_order(int socket, const GuardOrder& order, const std::vector<std::string>& environment = {});

/// What one read of a guardian's socket gives.
struct ReceivedReport {
  std::optional<JobReport> report;
  bool is_over = false;  ///< The guardian is gone.
};
[[nodiscard]] ReceivedReport receive_report(int socket);

/// The life of the guardian: a process of its own between `nodepool run` and the command, with no thread, no
/// store and no output, that does one thing: it keeps the last limit that it was given, whatever becomes of
/// the process that gave it. If that process is frozen, TERM and KILL come on time; if it ends, KILL comes at
/// once. If the guardian is killed, the kernel kills the command.
///
/// It adopts what the command's processes leave behind, so that KILL reaches also who has left the group.
/// Never returns.
[[noreturn]] void guard_jobs(int socket, const JobCommand& command);

}  // namespace nodepool::cli
