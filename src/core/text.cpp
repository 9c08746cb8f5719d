// The names of our enumerations, as they stand in logs, events and messages.

#include "nodepool/log.hpp"
#include "nodepool/result.hpp"
#include "nodepool/view.hpp"

namespace nodepool {

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::outcome_unknown:
      return "outcome_unknown";
    case ErrorCode::timed_out:
      return "timed_out";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::config_mismatch:
      return "config_mismatch";
    case ErrorCode::permission_denied:
      return "permission_denied";
    case ErrorCode::store_corrupt:
      return "store_corrupt";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::wrong_state:
      return "wrong_state";
    case ErrorCode::internal:
      return "internal";
  }
  return "?";
}

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "?";
}

std::string_view to_string(NodeState state) noexcept {
  switch (state) {
    case NodeState::joining:
      return "joining";
    case NodeState::upgrading:
      return "upgrading";
    case NodeState::steady:
      return "steady";
    case NodeState::draining:
      return "draining";
    case NodeState::suspended:
      return "suspended";
    case NodeState::stopped:
      return "stopped";
  }
  return "?";
}

std::string_view to_string(Reason reason) noexcept {
  switch (reason) {
    case Reason::owner:
      return "owner";
    case Reason::not_owner:
      return "not_owner";
    case Reason::settling:
      return "settling";
    case Reason::held_by_other:
      return "held_by_other";
    case Reason::already_claimed:
      return "already_claimed";
    case Reason::invalid_job:
      return "invalid_job";
    case Reason::joining:
      return "joining";
    case Reason::draining:
      return "draining";
    case Reason::lease_lost:
      return "lease_lost";
    case Reason::stopped:
      return "stopped";
  }
  return "?";
}

}  // namespace nodepool
