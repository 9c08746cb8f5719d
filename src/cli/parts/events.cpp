#include "cli/parts/events.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/parts/clock_text.hpp"
#include "cli/parts/printable.hpp"

namespace nodepool::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kReasons{RevokeReason::moved, RevokeReason::lease_lost, RevokeReason::draining,
                              RevokeReason::stopped};
constexpr std::array kStates{NodeState::joining,  NodeState::upgrading, NodeState::steady,
                             NodeState::draining, NodeState::suspended, NodeState::stopped};

Json begin(WallTime at, std::string_view event) {
  return Json{{"ts_ns", unix_ns(at)}, {"event", event}};
}

std::string finish(Json json, const Teller& teller) {
  json["node"] = teller.node;
  json["id"] = teller.id;
  // A name with broken UTF-8 must not stop the stream: the broken bytes are replaced.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

struct JsonOf {
  std::string operator()(const StateEvent& event) const {
    Json json = begin(event.at, "state");
    json["state"] = nodepool::to_string(event.state);
    json["epoch"] = event.epoch.value;
    return finish(std::move(json), event.teller);
  }
  std::string operator()(const ViewEvent& event) const {
    Json json = begin(event.at, "view");
    json["epoch"] = event.epoch.value;
    json["settled"] = event.settled;
    json["members"] = event.members;
    return finish(std::move(json), event.teller);
  }
  std::string operator()(const GrantedEvent& event) const {
    Json json = begin(event.at, "granted");
    json["job"] = event.job;
    json["token"] = event.token.value;
    return finish(std::move(json), event.teller);
  }
  std::string operator()(const RevokedEvent& event) const {
    Json json = begin(event.at, "revoked");
    json["job"] = event.job;
    json["last_ns"] = unix_ns(event.last);
    json["reason"] = to_string(event.reason);
    json["token"] = event.token.value;
    return finish(std::move(json), event.teller);
  }
  std::string operator()(const ChecksEvent& event) const {
    Json json = begin(event.at, "checks");
    json["rounds"] = event.rounds;
    json["longest_ns"] = event.longest.count();
    return finish(std::move(json), event.teller);
  }
};

struct TextOf {
  std::string operator()(const StateEvent& event) const {
    return fmt::format("{} {} is {} (epoch {})", clock_text(event.at), event.teller.node,
                       nodepool::to_string(event.state), event.epoch.value);
  }
  std::string operator()(const ViewEvent& event) const {
    return fmt::format("{} view {}{}: {}", clock_text(event.at), event.epoch.value,
                       event.settled ? ", settled" : "",
                       printable(fmt::format("{}", fmt::join(event.members, " "))));
  }
  std::string operator()(const GrantedEvent& event) const {
    return fmt::format("{} granted {} (token {})", clock_text(event.at), event.job, event.token.value);
  }
  std::string operator()(const RevokedEvent& event) const {
    return fmt::format("{} revoked {} ({}, last held at {})", clock_text(event.at), event.job,
                       to_string(event.reason), clock_text(event.last));
  }
  std::string operator()(const ChecksEvent& event) const {
    return fmt::format("{} checked all jobs {} times, at most {:.1f} ms apart", clock_text(event.at),
                       event.rounds, milliseconds_of(event.longest));
  }
};

template <class Value, std::size_t Count>
std::optional<Value> named(const std::array<Value, Count>& values, std::string_view name) {
  for (const Value value : values) {
    if (to_string(value) == name) return value;
  }
  return std::nullopt;
}

WallTime time_at(const Json& json, const char* key) {
  return from_unix_ns(json.at(key).get<std::int64_t>());
}

template <class Number>
Number number_at(const Json& json, const char* key) {
  return Number{json.at(key).get<std::uint64_t>()};
}

/// Throws what nlohmann throws for a missing or wrong field; parse_event catches it.
std::optional<Event> event_of(const Json& json) {
  const auto kind = json.at("event").get<std::string>();
  const WallTime at = time_at(json, "ts_ns");
  Teller teller{json.at("node").get<std::string>(), json.value("id", "")};
  if (kind == "state") {
    const auto state = named(kStates, json.at("state").get<std::string>());
    if (!state) return std::nullopt;
    return StateEvent{at, *state, number_at<Epoch>(json, "epoch"), std::move(teller)};
  }
  if (kind == "view") {
    return ViewEvent{at, number_at<Epoch>(json, "epoch"), json.value("settled", false),
                     json.at("members").get<std::vector<std::string>>(), std::move(teller)};
  }
  if (kind == "granted") {
    return GrantedEvent{at, json.at("job").get<std::string>(), number_at<FencingToken>(json, "token"),
                        std::move(teller)};
  }
  if (kind == "revoked") {
    const auto reason = named(kReasons, json.at("reason").get<std::string>());
    if (!reason) return std::nullopt;
    return RevokedEvent{at,      json.at("job").get<std::string>(),      time_at(json, "last_ns"),
                        *reason, number_at<FencingToken>(json, "token"), std::move(teller)};
  }
  if (kind == "checks") {
    return ChecksEvent{at, json.at("rounds").get<std::uint64_t>(),
                       std::chrono::nanoseconds(json.at("longest_ns").get<std::int64_t>()),
                       std::move(teller)};
  }
  return std::nullopt;
}

}  // namespace

RevokeReason revoke_reason(Reason reason) noexcept {
  switch (reason) {
    case Reason::joining:  // A member that was evicted starts over as a joiner: it lost its lease.
    case Reason::lease_lost:
      return RevokeReason::lease_lost;
    case Reason::draining:
      return RevokeReason::draining;
    case Reason::stopped:
      return RevokeReason::stopped;
    case Reason::owner:
    case Reason::not_owner:
    case Reason::settling:
    case Reason::held_by_other:
    case Reason::already_claimed:
    case Reason::invalid_job:
      break;
  }
  return RevokeReason::moved;
}

std::string_view to_string(RevokeReason reason) noexcept {
  switch (reason) {
    case RevokeReason::moved:
      return "moved";
    case RevokeReason::lease_lost:
      return "lease_lost";
    case RevokeReason::draining:
      return "draining";
    case RevokeReason::stopped:
      return "stopped";
  }
  return "moved";
}

std::string to_json(const Event& event) {
  return std::visit(JsonOf{}, event);
}

std::string to_text(const Event& event) {
  return std::visit(TextOf{}, event);
}

Result<Event> parse_event(std::string_view line) {
  try {
    if (auto event = event_of(Json::parse(line))) return *std::move(event);
  } catch (const Json::exception&) {
    // Told below, like every line that is no event.
  }
  return failure(ErrorCode::invalid_argument, fmt::format("this line is no event of a node: {}", line));
}

}  // namespace nodepool::cli
