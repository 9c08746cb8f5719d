// The text form of members and of a pool's state: JSON with a fixed order of fields, so that equal values
// give equal texts.

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "nodepool/view_store.hpp"

namespace nodepool {
namespace {

using std::chrono::microseconds;
using Json = nlohmann::ordered_json;

/// Names were validated as UTF-8 at the border; whatever slips through is replaced rather than thrown over.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
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
                  .weight = json.at("weight").get<unsigned>(),
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
                     .lease_until = microseconds(json.at("lease_until_us").get<microseconds::rep>()),
                     .sequence = json.at("sequence").get<std::uint64_t>(),
                     .acknowledged = json.at("acknowledged").get<bool>(),
                     .drain_requested = json.at("drain_requested").get<bool>(),
                     .held = json.at("held").get<std::vector<std::string>>()};
}

PoolState state_of(const Json& json) {
  PoolState state;
  auto config = parse_pool_config(json.at("config").get<std::string>());
  if (!config) throw std::invalid_argument(config.error().message);
  state.config = std::move(*config);
  state.view = {.lineage = json.at("lineage").get<std::string>(),
                .epoch = {json.at("epoch").get<std::uint64_t>()},
                .view_id = json.at("view_id").get<std::string>()};
  state.run_id = json.at("run_id").get<std::string>();
  state.clock = microseconds(json.at("clock_us").get<microseconds::rep>());
  state.last_time = microseconds(json.at("last_time_us").get<microseconds::rep>());
  state.barrier_until = microseconds(json.at("barrier_until_us").get<microseconds::rep>());
  state.settled = json.at("settled").get<bool>();
  for (const Json& entry : json.at("members")) {
    MemberState member = member_of(entry);
    NodeId id = member.info.id;
    state.members.emplace(std::move(id), std::move(member));
  }
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
  return text_of({{"config", to_string(state.config)},
                  {"lineage", state.view.lineage},
                  {"epoch", state.view.epoch.value},
                  {"view_id", state.view.view_id},
                  {"run_id", state.run_id},
                  {"clock_us", state.clock.count()},
                  {"last_time_us", state.last_time.count()},
                  {"barrier_until_us", state.barrier_until.count()},
                  {"settled", state.settled},
                  {"members", std::move(members)}});
}

Result<PoolState> decode_state(std::string_view text) {
  return decoded("a pool's state", text, state_of);
}

}  // namespace nodepool
