#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "cli/parts/nursery.hpp"

namespace nodepool::cli {

/// When a command has to stop, and what becomes of its output.
struct GuardedRules {
  std::stop_token stop;                        ///< TERM, and KILL after `grace`.
  std::function<MonotonicTime()> valid_until;  ///< The end of the lease; asked every `look`.
  std::chrono::milliseconds look{500};
  std::chrono::milliseconds grace{10'000};
  std::chrono::milliseconds lease_grace{500};            ///< Between TERM and KILL where the lease ends.
  std::size_t tail = 4096;                               ///< So much of the output is kept, the last of it.
  std::function<void(std::string_view line)> on_output;  ///< Told of each line; may be empty.
};

struct CommandEnd {
  int code = 0;      ///< As shells tell it.
  std::string tail;  ///< The last of its output and errors, as they came, without the last line's end.
  std::optional<std::string> not_started;  ///< Why; then there is no code.
  bool lease_ended = false;                ///< It was stopped, or not started, as the lease was about to end.
};

/// Starts the command behind a guardian, and returns when nothing of it is left: after its end what it leaves
/// behind gets TERM, and KILL after the grace. It never runs beyond the lease, whatever becomes of this
/// process. Any thread.
[[nodiscard]] CommandEnd run_guarded(Nursery& nursery, const GuardedCommand& command,
                                     const GuardedRules& rules);

}  // namespace nodepool::cli
