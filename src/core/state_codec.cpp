// The text form of members and of a pool's state: JSON with a fixed order of fields, so that equal values
// give equal texts.

#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "nodepool/view_store.hpp"

namespace nodepool {
namespace {

using std::chrono::microseconds;
using Json = nlohmann::ordered_json;

/// Names were validated as UTF-8 at the border; whatever slips through is replaced rather than thrown over.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Far beyond any real epoch (milliseconds since 1970), with room to grow: a next one that wraps around would
/// make tokens fall.
constexpr std::uint64_t kMaxEpoch = std::numeric_limits<std::uint64_t>::max() / 2;

/// A number as it stands there: none is bent into range, as a plain conversion would.
template <class Number>
Number number_of(const Json& json, Number least = std::numeric_limits<Number>::min(),
                 Number most = std::numeric_limits<Number>::max()) {
  const bool fits = json.is_number_unsigned()
                        ? std::cmp_less_equal(json.get<std::uint64_t>(), most)
                        : json.is_number_integer() && std::cmp_greater_equal(json.get<std::int64_t>(), least);
  if (!fits) throw std::out_of_range("a number is missing or out of its range");
  return json.get<Number>();
}

/// A time on one of the store's clocks, small enough for sums and differences.
microseconds time_of(const Json& json) {
  constexpr microseconds::rep limit = microseconds::max().count() / 8;
  return microseconds(number_of<microseconds::rep>(json, -limit, limit));
}

Json json_of(const NodeInfo& node) {
  Json json{{"id", node.id.str()}, {"name", node.name.str()}, {"weight", node.weight}};
  if (!node.zone.empty()) json["zone"] = node.zone;
  if (!node.address.empty()) json["address"] = node.address;
  if (!node.metadata.empty()) json["metadata"] = node.metadata;
  if (node.draining) json["draining"] = true;
  return json;
}

NodeInfo node_of(const Json& json) {
  return NodeInfo{.id = NodeId(json.at("id").get<std::string>()),
                  .name = NodeName(json.at("name").get<std::string>()),
                  .weight = number_of<unsigned>(json.at("weight")),
                  .zone = json.value("zone", std::string()),
                  .address = json.value("address", std::string()),
                  .metadata = json.value("metadata", std::map<std::string, std::string>()),
                  .draining = json.value("draining", false)};
}

Json json_of(const MemberState& member) {
  return {{"info", json_of(member.info)},
          {"lease_until_us", member.lease_until.count()},
          {"sequence", member.sequence},
          {"acknowledged", member.acknowledged},
          {"drain_requested", member.drain_requested},
          {"held", member.held}};
}

MemberState member_of(const Json& json) {
  return MemberState{.info = node_of(json.at("info")),
                     .lease_until = time_of(json.at("lease_until_us")),
                     .sequence = number_of<std::uint64_t>(json.at("sequence")),
                     .acknowledged = json.at("acknowledged").get<bool>(),
                     .drain_requested = json.at("drain_requested").get<bool>(),
                     .held = json.at("held").get<std::vector<std::string>>()};
}

Json json_of(const WaitingNode& waiting) {
  return {{"info", json_of(waiting.info)},
          {"lease_until_us", waiting.lease_until.count()},
          {"sequence", waiting.sequence}};
}

WaitingNode waiting_of(const Json& json) {
  return {.info = node_of(json.at("info")),
          .lease_until = time_of(json.at("lease_until_us")),
          .sequence = number_of<std::uint64_t>(json.at("sequence"))};
}

/// All views of a state have its lineage.
Json json_of(const ViewStep& step) {
  Json gone = Json::array();
  Json present = Json::array();
  for (const NodeId& id : step.change.gone) gone.push_back(id.str());
  for (const NodeInfo& node : step.change.present) present.push_back(json_of(node));
  return {{"view_id", step.view_id},
          {"base_epoch", step.change.base.epoch.value},
          {"base_view_id", step.change.base.view_id},
          {"gone", std::move(gone)},
          {"present", std::move(present)}};
}

ViewStep step_of(const Json& json, const std::string& lineage) {
  ViewStep step{.view_id = json.at("view_id").get<std::string>(), .change = {}};
  step.change.base = {.lineage = lineage,
                      .epoch = {number_of<std::uint64_t>(json.at("base_epoch"), 0, kMaxEpoch)},
                      .view_id = json.at("base_view_id").get<std::string>()};
  for (const Json& id : json.at("gone")) step.change.gone.emplace_back(id.get<std::string>());
  for (const Json& node : json.at("present")) step.change.present.push_back(node_of(node));
  return step;
}

PoolState state_of(const Json& json) {
  PoolState state;
  auto config = parse_pool_config(json.at("config").get<std::string>());
  if (!config) throw std::invalid_argument(config.error().message);
  state.config = std::move(*config);
  state.view = {.lineage = json.at("lineage").get<std::string>(),
                .epoch = {number_of<std::uint64_t>(json.at("epoch"), 0, kMaxEpoch)},
                .view_id = json.at("view_id").get<std::string>()};
  state.run_id = json.at("run_id").get<std::string>();
  state.clock = time_of(json.at("clock_us"));
  state.last_time = time_of(json.at("last_time_us"));
  state.barrier_until = time_of(json.at("barrier_until_us"));
  state.view_since = time_of(json.at("view_since_us"));
  state.settled = json.at("settled").get<bool>();
  for (const Json& entry : json.at("members")) {
    MemberState member = member_of(entry);
    NodeId id = member.info.id;
    state.members.emplace(std::move(id), std::move(member));
  }
  for (const Json& entry : json.at("waiting")) {
    WaitingNode waiting = waiting_of(entry);
    NodeId id = waiting.info.id;
    state.waiting.emplace(std::move(id), std::move(waiting));
  }
  for (const Json& entry : json.at("steps")) state.steps.push_back(step_of(entry, state.view.lineage));
  return state;
}

/// Runs `decode` on the parsed text; whatever does not fit becomes `store_corrupt`.
template <class Decode>
auto decoded(std::string_view what, std::string_view text, Decode decode)
    -> Result<decltype(decode(Json()))> {
  try {
    return decode(Json::parse(text));
  } catch (const std::exception& problem) {
    return failure(
        ErrorCode::store_corrupt,
        fmt::format("the store holds something that is not {} of nodepool ({})", what, problem.what()));
  }
}

}  // namespace

std::string encode_node(const NodeInfo& node) {
  return text_of(json_of(node));
}

Result<NodeInfo> decode_node(std::string_view text) {
  return decoded("a member's record", text, node_of);
}

std::string encode_state(const PoolState& state) {
  Json members = Json::array();
  for (const auto& [id, member] : state.members) members.push_back(json_of(member));
  Json waiting = Json::array();
  for (const auto& [id, node] : state.waiting) waiting.push_back(json_of(node));
  Json steps = Json::array();
  for (const ViewStep& step : state.steps) steps.push_back(json_of(step));
  return text_of({{"config", to_string(state.config)},
                  {"lineage", state.view.lineage},
                  {"epoch", state.view.epoch.value},
                  {"view_id", state.view.view_id},
                  {"run_id", state.run_id},
                  {"clock_us", state.clock.count()},
                  {"last_time_us", state.last_time.count()},
                  {"barrier_until_us", state.barrier_until.count()},
                  {"view_since_us", state.view_since.count()},
                  {"settled", state.settled},
                  {"members", std::move(members)},
                  {"waiting", std::move(waiting)},
                  {"steps", std::move(steps)}});
}

Result<PoolState> decode_state(std::string_view text) {
  return decoded("a pool's state", text, state_of);
}

}  // namespace nodepool
