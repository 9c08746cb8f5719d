#include "driver/redis/server_findings.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "driver/redis/info_text.hpp"

namespace nodepool::redis {
namespace {

using Grade = Finding::Grade;
using std::chrono::microseconds;
using namespace std::chrono_literals;

/// Between the two looks at the clocks less than so much should be missing or too much.
constexpr microseconds kJump{100ms};
constexpr microseconds kApart{1s};

double seconds_of(microseconds time) {
  return std::chrono::duration<double>(time).count();
}

Finding version(std::string_view info) {
  const std::string_view valkey = info_field(info, "valkey_version");
  const std::string_view name = valkey.empty() ? "Redis" : "Valkey";
  return {Grade::good, "version",
          fmt::format("{} {}", name, valkey.empty() ? info_field(info, "redis_version") : valkey), ""};
}

Finding eviction(std::string_view info) {
  const std::string_view policy = info_field(info, "maxmemory_policy");
  const std::uint64_t limit = info_number(info, "maxmemory").value_or(0);
  if (policy == "noeviction") return {Grade::good, "eviction", "noeviction: no key is dropped", ""};
  std::string text = fmt::format("the policy is {}", policy);
  if (policy.starts_with("volatile-") || limit == 0) {
    text += limit == 0 ? ", but there is no memory limit: nothing is dropped at present"
                       : ": only keys with a time to live are dropped, and a pool's have none";
    return {Grade::note, "eviction", std::move(text), "set maxmemory-policy noeviction"};
  }
  return {Grade::warning, "eviction", text + ": when memory is short, a pool's keys may be dropped",
          "set maxmemory-policy noeviction, or give the pools a server of their own; a pool that loses a key "
          "waits for one lease before jobs move"};
}

Finding memory(std::string_view info) {
  const std::uint64_t limit = info_number(info, "maxmemory").value_or(0);
  const std::uint64_t used = info_number(info, "used_memory").value_or(0);
  std::string text = fmt::format("{} MiB used, limit {}", used >> 20U,
                                 limit == 0 ? "none" : fmt::format("{} MiB", limit >> 20U));
  if (limit != 0 && used >= limit - limit / 10) {
    return {Grade::warning, "memory", std::move(text),
            "a full server refuses heartbeats, and every job stops: raise maxmemory"};
  }
  return {Grade::good, "memory", std::move(text), ""};
}

Finding persistence(std::string_view info) {
  const bool save_failed = info_field(info, "rdb_last_bgsave_status") == "err";
  const bool append_failed = info_field(info, "aof_last_write_status") == "err";
  if (save_failed || append_failed) {
    return {Grade::problem, "persistence",
            fmt::format("the last {} to disk failed", save_failed ? "save" : "append"),
            "make room on the server's disk: it may refuse all writes (stop-writes-on-bgsave-error)"};
  }
  const bool appends = info_field(info, "aof_enabled") == "1";
  return {
      Grade::good, "persistence",
      fmt::format("append-only file {}; a pool does not need one: after a loss of data, jobs wait for one "
                  "lease before they move",
                  appends ? "on" : "off"),
      ""};
}

Finding replication(std::string_view info, const RedisOptions& options) {
  if (info_field(info, "role") != "master") {
    return {Grade::problem, "replication", "this server is a replica: it refuses writes",
            "connect to the master, or let Sentinel find it (redis+sentinel://)"};
  }
  const std::uint64_t replicas = info_number(info, "connected_slaves").value_or(0);
  const std::string text =
      fmt::format("master with {} replicas, min_replicas {}", replicas, options.min_replicas);
  if (options.min_replicas > replicas) {
    return {Grade::problem, "replication", text,
            "no heartbeat can be confirmed: start replicas, or lower min_replicas"};
  }
  if (replicas > 0 && options.min_replicas == 0) {
    return {Grade::warning, "replication",
            text + ": a master that was replaced but still serves some clients can let a job run twice",
            fmt::format("add min_replicas={} to the URL", replicas)};
  }
  if (options.min_replicas > 0 && options.min_replicas < replicas) {
    return {Grade::note, "replication",
            text + ": safe as long as no replica that confirms stays with a master that was replaced",
            fmt::format("min_replicas={} is safe in any case", replicas)};
  }
  return {Grade::good, "replication", text, ""};
}

Finding clients(std::string_view info) {
  const std::uint64_t connected = info_number(info, "connected_clients").value_or(0);
  const auto limit = info_number(info, "maxclients");
  std::string text = fmt::format("{} connected, each node needs two", connected);
  if (!limit) return {Grade::good, "clients", std::move(text), ""};
  text += fmt::format("; limit {}", *limit);
  if (connected >= *limit - *limit / 10) {
    return {Grade::warning, "clients", std::move(text),
            "raise maxclients: nodes that cannot connect lose their lease"};
  }
  return {Grade::good, "clients", std::move(text), ""};
}

}  // namespace

std::vector<Finding> info_findings(std::string_view info, const RedisOptions& options) {
  return {version(info), replication(info, options), eviction(info),
          memory(info),  persistence(info),          clients(info)};
}

std::vector<Finding> clock_findings(const ClockLook& look) {
  std::vector<Finding> findings;
  const auto jump_of = [&](std::string_view whose, microseconds passed) {
    const microseconds off = passed - look.monotonic;
    if (std::chrono::abs(off) < kJump + look.exact) return;
    findings.push_back({Grade::warning, "clock",
                        fmt::format("the civil clock of {} was stepped by {:+.3f} s while it was looked at",
                                    whose, seconds_of(off)),
                        "find out what sets it; leases bear one step of the server's clock within a lease"});
  };
  jump_of("the server", look.server);
  jump_of("this machine", look.local);
  const bool apart = std::chrono::abs(look.ahead) >= kApart + look.exact;
  findings.push_back(
      {apart ? Grade::warning : Grade::good, "clock",
       fmt::format("the server's civil clock is {:.3f} s {} this machine's (exact to {:.3f} s)",
                   seconds_of(std::chrono::abs(look.ahead)), look.ahead.count() < 0 ? "behind" : "ahead of",
                   seconds_of(look.exact)),
       apart ? "let NTP set both: leases do not depend on it, but schedules, go-dispatch's sorted set "
               "and people do"
             : ""});
  return findings;
}

}  // namespace nodepool::redis
