#include "cli/parts/pool_report.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/parts/printable.hpp"
#include "cli/parts/table.hpp"

namespace nodepool::cli {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t whole_ms(std::chrono::microseconds duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string state_text(const MemberStatus& member, const PoolStatus& status, const Capabilities& store) {
  return store.acknowledges ? std::string(state_of(member, status)) : "listed";
}

std::vector<std::string> row_of(const MemberStatus& member, const PoolStatus& status,
                                const Capabilities& store) {
  const std::string acknowledged = member.acknowledged ? "yes" : "no";
  return {printable(member.info.name.str()),
          printable(member.info.id.str()),
          state_text(member, status, store),
          std::to_string(member.info.weight),
          or_dash(member.info.zone),
          or_dash(member.info.address),
          std::to_string(whole_ms(member.lease_left)),
          store.acknowledges ? acknowledged : "-",
          or_dash(fmt::format("{}", fmt::join(member.held, " ")))};
}

Json json_of(const MemberStatus& member, const PoolStatus& status, const Capabilities& store) {
  return {{"name", member.info.name.str()},
          {"id", member.info.id.str()},
          {"state", state_text(member, status, store)},
          {"weight", member.info.weight},
          {"zone", member.info.zone},
          {"address", member.info.address},
          {"metadata", member.info.metadata},
          {"draining", member.info.draining},
          {"drain_requested", member.drain_requested},
          {"lease_left_ms", whole_ms(member.lease_left)},
          {"acknowledged", store.acknowledges ? Json(member.acknowledged) : Json()},
          {"held", member.held}};
}

}  // namespace

std::string_view state_of(const MemberStatus& member, const PoolStatus& status) noexcept {
  if (member.lease_left.count() <= 0) return "lost";
  if (member.info.draining || member.drain_requested) return "draining";
  return status.settled ? "steady" : "upgrading";
}

std::string pool_text(const std::string& service, const PoolStatus& status, const Capabilities& store) {
  std::string barrier;
  if (status.barrier_left.count() > 0)
    barrier = fmt::format(", barrier for {} ms", whole_ms(status.barrier_left));
  const std::string view = fmt::format("epoch {}  {}{}  ", status.view.epoch.value,
                                       status.settled ? "settled" : "not settled", barrier);
  std::string text =
      fmt::format("service {}  {}nodes {}\n", service, store.acknowledges ? view : "", status.members.size());
  if (status.members.empty()) return text;
  std::vector<std::vector<std::string>> rows{
      {"NAME", "ID", "STATE", "WEIGHT", "ZONE", "ADDRESS", "LEASE LEFT MS", "ACKNOWLEDGED", "HELD JOBS"}};
  for (const MemberStatus& member : status.members) rows.push_back(row_of(member, status, store));
  return text + format_table(rows);
}

std::string pool_json(const std::string& service, const PoolStatus& status, const Capabilities& store) {
  Json members = Json::array();
  for (const MemberStatus& member : status.members) members.push_back(json_of(member, status, store));
  const Json json{{"service", service},
                  {"epoch", status.view.epoch.value},
                  {"view_id", status.view.view_id},
                  {"lineage", status.view.lineage},
                  {"settled", store.acknowledges ? Json(status.settled) : Json()},
                  {"barrier_ms", whole_ms(status.barrier_left)},
                  {"heartbeat_ms", status.config.heartbeat.count()},
                  {"lease_ms", status.config.lease.count()},
                  {"placement", status.config.hash},
                  {"points", status.config.points},
                  {"members", std::move(members)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nodepool::cli
