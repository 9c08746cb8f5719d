#include "driver/redis/redis_ledger.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/ledger_rules.hpp"

namespace nodepool::redis {
namespace {

ScriptOrder order_of(const ScriptCall& call) {
  return {.call = [&call](const std::string&) { return call; }};
}

/// Ascending; of records that came twice, the newest.
void tidy(std::vector<LedgerRecord>& records) {
  std::ranges::sort(records, [](const LedgerRecord& left, const LedgerRecord& right) {
    return std::tie(left.job, right.version) < std::tie(right.job, left.version);
  });
  const auto same_job = [](const LedgerRecord& left, const LedgerRecord& right) {
    return left.job == right.job;
  };
  records.erase(std::unique(records.begin(), records.end(), same_job), records.end());
}

}  // namespace

RedisLedger::RedisLedger(const std::shared_ptr<const RedisOptions>& options,
                         std::shared_ptr<const TlsContext> tls, const ServiceName& service,
                         std::uint32_t seed)
    : service_(service),
      replicas_(options->min_replicas),
      calls_(service, options->min_replicas > 0),
      line_(options, std::move(tls), service, seed) {}

Result<Reply> RedisLedger::ask(ScriptOrder order, MonotonicTime deadline) {
  order.replicas = replicas_;
  auto result = line_.run(order, deadline);
  Result<void> known = result ? line_.check_confirmed(order, *result, "what it says", "it may be outdated")
                              : tl::unexpected(std::move(result.error()));
  if (known) return std::move(result->reply);
  if (known.error().code == ErrorCode::outcome_unknown) known.error().code = ErrorCode::unavailable;
  return tl::unexpected(std::move(known.error()));
}

Result<LedgerRecord> RedisLedger::read(std::string_view job, MonotonicTime deadline) {
  if (auto valid = validate_record(service_, job); !valid) return tl::unexpected(std::move(valid.error()));
  const ScriptCall call = calls_.read(job);
  return ask(order_of(call), deadline).and_then([&](const Reply& reply) {
    return calls_.record(job, reply);
  });
}

Result<LedgerWrite> RedisLedger::change(const ScriptCall& call, const LedgerUpdate& update,
                                        MonotonicTime deadline) {
  ScriptOrder order = order_of(call);
  order.replicas = replicas_;
  auto result = line_.run(order, deadline);
  if (!result) return tl::unexpected(std::move(result.error()));
  auto outcome = calls_.outcome(update, result->reply);
  if (!outcome) return outcome;
  auto confirmed =
      line_.check_confirmed(order, *result, "the job's record", "it is unknown whether that stays");
  if (confirmed) return outcome;
  if (!outcome->written) confirmed.error().code = ErrorCode::unavailable;
  return tl::unexpected(std::move(confirmed.error()));
}

Result<LedgerWrite> RedisLedger::write(const LedgerUpdate& update, MonotonicTime deadline) {
  if (auto valid = validate_update(service_, update); !valid) return tl::unexpected(std::move(valid.error()));
  return change(calls_.write(update), update, deadline);
}

Result<bool> RedisLedger::erase(std::string_view job, std::uint64_t expected, MonotonicTime deadline) {
  if (auto valid = validate_record(service_, job); !valid) return tl::unexpected(std::move(valid.error()));
  const LedgerUpdate update{.job = std::string(job), .expected = expected, .value = {}};
  return change(calls_.erase(job, expected), update, deadline).map([](const LedgerWrite& outcome) {
    return outcome.written;
  });
}

Result<std::vector<std::string>> RedisLedger::history(std::string_view job, std::size_t most,
                                                      MonotonicTime deadline) {
  if (auto valid = validate_record(service_, job); !valid) return tl::unexpected(std::move(valid.error()));
  if (most == 0) return std::vector<std::string>{};
  const ScriptCall call = calls_.history(job, std::min(most, kMaxLedgerHistory));
  return ask(order_of(call), deadline).and_then([&](const Reply& reply) { return calls_.entries(reply); });
}

Result<std::vector<LedgerRecord>> RedisLedger::all(MonotonicTime deadline) {
  if (auto valid = validate(service_); !valid) return tl::unexpected(std::move(valid.error()));
  std::vector<LedgerRecord> records;
  std::string cursor = "0";
  std::string server;
  // Another server, or the same one after a restart, does not know where this one was.
  const ScriptOrder order{.call = [&](const std::string& run_id) -> Result<ScriptCall> {
    if (std::exchange(server, run_id) != run_id) {
      cursor = "0";
      records.clear();
    }
    return calls_.page(cursor);
  }};
  do {
    const auto reply = ask(order, deadline);
    if (!reply) return tl::unexpected(reply.error());
    auto next = calls_.add_page(*reply, records);
    if (!next) return tl::unexpected(std::move(next.error()));
    cursor = *std::move(next);
  } while (cursor != "0");
  tidy(records);
  return records;
}

}  // namespace nodepool::redis
