#include "driver/redis/scripts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <tuple>
#include <utility>

#include "core/view_change.hpp"
#include "driver/redis/reply_items.hpp"
#include "driver/redis/step_text.hpp"
#include "embedded_scripts.hpp"
#include "nodepool/view_store.hpp"

namespace nodepool::redis {
namespace {

using std::chrono::microseconds;

constexpr Script kSync{scripts::kSyncScript, scripts::kSyncScriptSha1};
constexpr Script kStatus{scripts::kStatusScript, scripts::kStatusScriptSha1};
constexpr Script kDrain{scripts::kDrainScript, scripts::kDrainScriptSha1};

std::vector<std::string> keys_of(const ServiceName& service) {
  std::vector<std::string> keys;
  for (const std::string_view part :
       {"pool", "members", "leases", "seen", "holds", "drains", "waiting", "steps"}) {
    keys.push_back(fmt::format("nodepool:{{{}}}:{}", service.str(), part));
  }
  return keys;
}

std::string_view name_of(Intent intent) {
  switch (intent) {
    case Intent::active:
      return "active";
    case Intent::draining:
      return "draining";
    case Intent::leaving:
      return "leaving";
  }
  return "active";
}

tl::unexpected<Error> corrupt(const ServiceName& service, std::string_view what) {
  return failure(
      ErrorCode::store_corrupt,
      fmt::format("what stands under the keys nodepool:{{{}}}:* is not a pool of nodepool ({}); delete "
                  "them or choose another service name",
                  service.str(), what));
}

/// Why the script cannot take the request, if so.
std::optional<std::string> fault_of(const SyncRequest& request) {
  const auto config = parse_pool_config(to_string(request.config));
  if (!config || *config != request.config || request.config.heartbeat.count() <= 0 ||
      request.config.lease.count() <= 0) {
    return "the pool's configuration has no text form";
  }
  if (request.known.epoch.value > kMaxExactInteger) return "the known view's epoch is above 2^53";
  for (const std::string& job : request.held) {
    if (auto valid = validate_job_name(job); !valid) return valid.error().message;
  }
  return std::nullopt;
}

Error mismatch(std::string_view stored, const PoolConfig& ours) {
  return {ErrorCode::config_mismatch,
          fmt::format("the pool runs with [{}] but this node came with [{}]; give all nodes of a service the "
                      "same settings",
                      stored, to_string(ours))};
}

/// Turns the answers that are no success into errors; `outcome` is the first item.
std::optional<Error> refusal(const ServiceName& service, const SyncRequest& request, std::string_view outcome,
                             Items& items) {
  if (outcome == "mismatch") return mismatch(items.text(), request.config);
  if (outcome == "late") {
    return Error{ErrorCode::outcome_unknown,
                 fmt::format("request {} of node {} came after request {}; it was ignored", request.sequence,
                             request.node.id.str(), items.text())};
  }
  if (outcome == "ok") return std::nullopt;
  return corrupt(service, outcome == "corrupt" ? items.text() : "an unknown answer of the script").value();
}

Result<std::vector<NodeInfo>> decode_members(const std::vector<std::string>& records) {
  std::vector<NodeInfo> members;
  for (const std::string& record : records) {
    auto member = decode_node(record);
    if (!member) return tl::unexpected(std::move(member.error()));
    members.push_back(std::move(*member));
  }
  sort_members(members);
  return members;
}

std::vector<Hold> holds_of_others(const std::map<std::string, std::string>& joined, const NodeId& caller) {
  std::vector<Hold> holds;
  for (const auto& [id, jobs] : joined) {
    if (id == caller.str()) continue;
    for (std::string& job : split_lines(jobs)) holds.push_back({NodeId(id), std::move(job)});
  }
  std::ranges::sort(holds);
  return holds;
}

/// The per-member hashes of a status answer, joined.
struct StoredParts {
  std::map<std::string, std::string> records, leases, seen, holds;
  std::vector<std::string> drains;
};

Result<MemberStatus> member_status(const std::string& id, const std::string& record, const StoredParts& parts,
                                   const PoolStatus& pool, microseconds clock) {
  auto info = decode_node(record);
  if (!info) return tl::unexpected(std::move(info.error()));
  MemberStatus member{.info = std::move(*info)};
  if (const auto lease = parts.leases.find(id); lease != parts.leases.end()) {
    microseconds::rep until = 0;
    std::from_chars(lease->second.data(), lease->second.data() + lease->second.size(), until);
    if (!is_sane(until)) return failure(ErrorCode::store_corrupt, "a lease's end is beyond all times");
    member.lease_left = microseconds(until) - clock;
  }
  if (const auto seen = parts.seen.find(id); seen != parts.seen.end()) {
    member.acknowledged = std::string_view(seen->second).ends_with(" " + pool.view.view_id);
  }
  member.drain_requested = std::ranges::find(parts.drains, id) != parts.drains.end();
  if (const auto holds = parts.holds.find(id); holds != parts.holds.end())
    member.held = split_lines(holds->second);
  return member;
}

}  // namespace

std::vector<std::string> ScriptCall::by_digest() const {
  std::vector<std::string> command{"EVALSHA", std::string(script.digest), std::to_string(keys.size())};
  command.insert(command.end(), keys.begin(), keys.end());
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

std::vector<std::string> ScriptCall::by_text() const {
  auto command = by_digest();
  command[0] = "EVAL";
  command[1] = script.text;
  return command;
}

std::string hint_channel(const ServiceName& service) {
  return fmt::format("nodepool:{{{}}}:hints", service.str());
}

Result<ScriptCall> sync_call(const ServiceName& service, const SyncRequest& request, std::string_view run_id,
                             const TestRules& rules) {
  if (const auto fault = fault_of(request)) return failure(ErrorCode::invalid_argument, *fault);
  return ScriptCall{
      kSync,
      keys_of(service),
      {to_string(request.config), request.node.id.str(), encode_node(request.node),
       std::string(name_of(request.intent)), request.known.lineage, std::to_string(request.known.epoch.value),
       request.known.view_id, fmt::format("{}", fmt::join(request.held, "\n")),
       std::to_string(request.sequence), request.nonce, std::string(run_id), hint_channel(service),
       rules.time ? std::to_string(rules.time->count()) : std::string(),
       rules.batches_from ? std::to_string(*rules.batches_from) : std::string()}};
}

Result<SyncReply> read_sync_reply(const ServiceName& service, const SyncRequest& request,
                                  const Reply& reply) {
  Items items(reply);
  const std::string outcome = items.text();
  if (outcome == "none") return SyncReply{};
  if (auto refused = refusal(service, request, outcome, items)) return tl::unexpected(std::move(*refused));
  SyncReply answer;
  answer.view.lineage = items.text();
  answer.view.epoch = items.epoch();
  answer.view.view_id = items.text();
  answer.settled = items.text() == "1";
  answer.barrier_left = items.duration();
  answer.look_again_in = items.optional_duration();
  answer.pool_clock = items.duration();
  answer.drain_requested = items.text() == "1";
  answer.holds_of_others = holds_of_others(items.pairs(), request.node.id);
  if (!items.next_is_nil()) {
    auto members = decode_members(items.texts());
    if (!members) return corrupt(service, members.error().message);
    answer.members = std::move(*members);
  } else {
    items.skip();
  }
  if (!items.next_is_nil()) {
    auto change = decode_steps(answer.view.lineage, items.texts());
    if (!change) return corrupt(service, change.error().message);
    answer.change = std::move(*change);
  } else {
    items.skip();
  }
  answer.waiting = items.text() == "1";
  if (items.bad()) return corrupt(service, "an answer of an unexpected form");
  return answer;
}

ScriptCall status_call(const ServiceName& service) {
  return {kStatus, keys_of(service), {}};
}

Result<PoolStatus> read_status_reply(const ServiceName& service, const Reply& reply) {
  Items items(reply);
  const std::string outcome = items.text();
  if (outcome == "none") {
    return failure(ErrorCode::not_found, fmt::format("the store knows no service '{}'", service.str()));
  }
  const std::string first = items.text();
  if (outcome != "ok") return corrupt(service, first);
  auto config = parse_pool_config(first);
  if (!config) return corrupt(service, config.error().message);
  PoolStatus status{.config = std::move(*config)};
  status.view.lineage = items.text();
  status.view.epoch = items.epoch();
  status.view.view_id = items.text();
  const auto clock = items.duration();
  status.barrier_left = std::max(microseconds(0), items.duration() - clock);
  status.settled = items.text() == "1";
  const StoredParts parts{items.pairs(), items.pairs(), items.pairs(), items.pairs(), items.texts()};
  if (items.bad()) return corrupt(service, "an answer of an unexpected form");
  for (const auto& [id, record] : parts.records) {
    auto member = member_status(id, record, parts, status, clock);
    if (!member) return corrupt(service, member.error().message);
    status.members.push_back(std::move(*member));
  }
  std::ranges::sort(status.members, [](const MemberStatus& left, const MemberStatus& right) {
    return std::tie(left.info.name, left.info.id) < std::tie(right.info.name, right.info.id);
  });
  return status;
}

ScriptCall drain_call(const ServiceName& service, const NodeId& node) {
  return {kDrain, keys_of(service), {node.str(), hint_channel(service)}};
}

Result<void> read_drain_reply(const ServiceName& service, const NodeId& node, const Reply& reply) {
  const std::string outcome = Items(reply).text();
  if (outcome == "ok") return {};
  if (outcome != "none") return corrupt(service, "an unknown answer of the script");
  return failure(ErrorCode::not_found, fmt::format("node {} is not a member of the pool", node.str()));
}

}  // namespace nodepool::redis
