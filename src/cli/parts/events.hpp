#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nodepool/result.hpp"
#include "nodepool/types.hpp"
#include "nodepool/view.hpp"

/// What `nodepool join` tells, and its two forms: lines of JSON for programs and lines of text for people.

namespace nodepool::cli {

/// Who tells it: the node's name, and the id of its present life.
struct Teller {
  std::string node;
  std::string id;
  bool operator==(const Teller&) const = default;
};

/// The node's state is now this.
struct StateEvent {
  WallTime at;
  NodeState state = NodeState::stopped;
  Epoch epoch;
  Teller teller;
  bool operator==(const StateEvent&) const = default;
};

/// The node has adopted a view, or the adopted view has settled.
struct ViewEvent {
  WallTime at;
  Epoch epoch;
  bool settled = false;
  std::vector<std::string> members;  ///< Their names.
  Teller teller;
  bool operator==(const ViewEvent&) const = default;
};

/// The node may run the job.
struct GrantedEvent {
  WallTime at;  ///< Right after the first check that said yes.
  std::string job;
  FencingToken token;
  Teller teller;
  bool operator==(const GrantedEvent&) const = default;
};

/// Why a job's yes became a no.
enum class RevokeReason { moved, lease_lost, draining, stopped };

/// The node may no longer run the job.
struct RevokedEvent {
  WallTime at;  ///< When that was noticed; long after `last` if the process was frozen.
  std::string job;
  WallTime last;  ///< Right before the last check that said yes.
  RevokeReason reason = RevokeReason::moved;
  FencingToken token;  ///< Of that last yes.
  Teller teller;
  bool operator==(const RevokedEvent&) const = default;
};

/// At the end: how well the decisions were watched.
struct ChecksEvent {
  WallTime at;
  std::uint64_t rounds = 0;             ///< How often all jobs were checked.
  std::chrono::nanoseconds longest{0};  ///< The longest time between two rounds.
  Teller teller;
  bool operator==(const ChecksEvent&) const = default;
};

using Event = std::variant<StateEvent, ViewEvent, GrantedEvent, RevokedEvent, ChecksEvent>;

/// The reason to print for a decision that says no.
[[nodiscard]] RevokeReason revoke_reason(Reason reason) noexcept;
[[nodiscard]] std::string_view to_string(RevokeReason reason) noexcept;

/// One line of JSON, without the line's end.
[[nodiscard]] std::string to_json(const Event& event);
/// One line of text, without the line's end.
[[nodiscard]] std::string to_text(const Event& event);
/// The inverse of to_json; `invalid_argument` if the line is anything else.
[[nodiscard]] Result<Event> parse_event(std::string_view line);

}  // namespace nodepool::cli
