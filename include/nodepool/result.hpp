#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "nodepool/export.hpp"

namespace nodepool {

/// What went wrong, as far as a caller can act on it.
enum class ErrorCode {
  invalid_argument,   ///< The call or the options are wrong; calling again the same way fails again.
  unavailable,        ///< The store could not be reached; nothing was done. Try again.
  outcome_unknown,    ///< The request may or may not have been carried out (no reply in time).
  timed_out,          ///< The deadline of the call passed.
  cancelled,          ///< The stop token of the call was used.
  not_found,          ///< No such service or node.
  config_mismatch,    ///< The pool runs with another configuration (lease, points, ...); both are shown.
  permission_denied,  ///< The store refuses this user; the message names what is missing.
  store_corrupt,      ///< The store holds something that is not a nodepool store; it was left untouched.
  unsupported,        ///< The driver or server cannot do this.
  wrong_state,        ///< The object is not in a state that allows the call (started twice, ...).
  internal            ///< A defect of nodepool; please report it.
};

/// The code's name, as in logs: "unavailable". Constant time; thread-safe.
NODEPOOL_EXPORT std::string_view to_string(ErrorCode code) noexcept;

/// An expected failure. The message is one sentence: what happened, to what, and what to do next.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
};

/// Either a value or an Error. Marked nodiscard at each function that returns one.
template <class T>
using Result = tl::expected<T, Error>;

/// Shorthand for returning an error from a function that returns a Result.
inline tl::unexpected<Error> failure(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace nodepool
