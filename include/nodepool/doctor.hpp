#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nodepool/export.hpp"
#include "nodepool/types.hpp"

/// What is good and what is not about a pool and its store, in words that say what to do. The command is
/// `nodepool doctor`; a service can show the same on a page of its own.

namespace nodepool {

class Driver;

/// One thing that an examination has looked at.
struct Finding {
  enum class Grade {
    good,     ///< As it should be.
    note,     ///< Worth knowing; nothing to do.
    warning,  ///< Works, but will hurt one day.
    problem   ///< Nodes cannot work like this.
  };
  Grade grade = Grade::good;
  std::string subject;  ///< What was looked at, in few words: "permissions".
  std::string text;     ///< What was found, one sentence.
  std::string advice;   ///< What to do; empty if nothing.
  bool operator==(const Finding&) const = default;
};

/// "good", "note", "warning" or "problem".
NODEPOOL_EXPORT std::string_view to_string(Finding::Grade grade) noexcept;

/// Examines a store and the pool of `service` in it, without joining: whether it answers and how fast, what
/// only its driver can tell (Session::examine), and the state of the pool. Ends by `deadline`, a little later
/// at worst; what could not be looked at by then is a finding too. Changes nothing in the pool; a driver may
/// write a scratch entry of its own beside it. Never throws but for want of memory. Thread-safe.
[[nodiscard]] NODEPOOL_EXPORT std::vector<Finding> examine(Driver& driver, const ServiceName& service,
                                                           MonotonicTime deadline);

}  // namespace nodepool
