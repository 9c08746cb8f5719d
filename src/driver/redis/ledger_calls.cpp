#include "driver/redis/ledger_calls.hpp"

#include <fmt/format.h>

#include <utility>

#include "driver/redis/reply_items.hpp"
#include "embedded_scripts.hpp"

namespace nodepool::redis {
namespace {

constexpr Script kLedger{scripts::kLedgerScript, scripts::kLedgerScriptSha1};
/// Fields that are looked at for a page, and about as many that it has: with the longest values 8 MiB.
constexpr std::string_view kPageSize = "500";

std::uint64_t version_of(Items& items) {
  const auto version = items.number<std::uint64_t>();
  return version <= kMaxExactInteger ? version : 0;
}

/// A stored record: "<version> <value>"; version 0 if it is none.
LedgerRecord parse_record(std::string job, std::string_view stored) {
  LedgerRecord record{.job = std::move(job)};
  const auto [end, error] = std::from_chars(stored.data(), stored.data() + stored.size(), record.version);
  const auto at = static_cast<std::size_t>(end - stored.data());
  const bool good = error == std::errc{} && at < stored.size() && stored[at] == ' ';
  if (!good || record.version > kMaxExactInteger) return {.job = std::move(record.job)};
  record.value = stored.substr(at + 1);
  return record;
}

}  // namespace

std::string LedgerCalls::records_key() const {
  return fmt::format("nodepool:{{{}}}:ledger", service_.str());
}

std::string LedgerCalls::history_key(std::string_view job) const {
  return fmt::format("{}:history:{}", records_key(), job);
}

ScriptCall LedgerCalls::call(std::vector<std::string> keys, std::string verb, std::string_view job) const {
  return {kLedger, std::move(keys), {std::move(verb), confirmed_ ? "1" : "0", std::string(job)}};
}

ScriptCall LedgerCalls::read(std::string_view job) const {
  return call({records_key()}, "read", job);
}

ScriptCall LedgerCalls::write(const LedgerUpdate& update) const {
  ScriptCall made = call({records_key(), history_key(update.job)}, "write", update.job);
  made.arguments.push_back(std::to_string(update.expected));
  made.arguments.push_back(update.value);
  made.arguments.push_back(update.entry);
  made.arguments.push_back(std::to_string(update.keep));
  return made;
}

ScriptCall LedgerCalls::erase(std::string_view job, std::uint64_t expected) const {
  ScriptCall made = call({records_key(), history_key(job)}, "erase", job);
  made.arguments.push_back(std::to_string(expected));
  return made;
}

ScriptCall LedgerCalls::history(std::string_view job, std::size_t most) const {
  ScriptCall made = call({records_key(), history_key(job)}, "history", job);
  made.arguments.push_back(std::to_string(most));
  return made;
}

ScriptCall LedgerCalls::page(std::string_view cursor) const {
  ScriptCall made = call({records_key()}, "page", "");
  made.arguments.emplace_back(cursor);
  made.arguments.emplace_back(kPageSize);
  return made;
}

Result<LedgerRecord> LedgerCalls::record(std::string_view job, const Reply& reply) const {
  Items items(reply);
  const std::string outcome = items.text();
  if (outcome == "corrupt") return corrupt(items.text());
  LedgerRecord record{.job = std::string(job), .version = version_of(items), .value = items.text()};
  const bool odd = record.version == 0 && !record.value.empty();
  if (outcome != "is" || items.bad() || odd) return corrupt("an answer of an unexpected form");
  return record;
}

Result<LedgerWrite> LedgerCalls::outcome(const LedgerUpdate& update, const Reply& reply) const {
  Items items(reply);
  if (items.text() != "done") {
    return record(update.job, reply).map([](LedgerRecord there) {
      return LedgerWrite{.written = false, .record = std::move(there)};
    });
  }
  const std::uint64_t version = version_of(items);
  if (version == 0 || items.bad()) return corrupt("an answer of an unexpected form");
  return LedgerWrite{.written = true,
                     .record = {.job = update.job, .version = version, .value = update.value}};
}

Result<std::vector<std::string>> LedgerCalls::entries(const Reply& reply) const {
  Items items(reply);
  const std::string outcome = items.text();
  auto entries = items.texts();
  if (outcome != "entries" || items.bad()) return corrupt("an answer of an unexpected form");
  return entries;
}

Result<std::string> LedgerCalls::add_page(const Reply& reply, std::vector<LedgerRecord>& records) const {
  Items items(reply);
  const std::string outcome = items.text();
  std::string cursor = items.text();
  auto flat = items.texts();
  if (outcome != "page" || items.bad() || flat.size() % 2 != 0) {
    return corrupt("an answer of an unexpected form");
  }
  for (std::size_t index = 0; index < flat.size(); index += 2) {
    if (flat[index].empty()) continue;  // the versions that were erased
    LedgerRecord record = parse_record(std::move(flat[index]), flat[index + 1]);
    if (record.version == 0) return corrupt("the record of a job");
    records.push_back(std::move(record));
  }
  return cursor;
}

tl::unexpected<Error> LedgerCalls::corrupt(std::string_view what) const {
  return failure(ErrorCode::store_corrupt,
                 fmt::format("what stands under the keys {}* is not a ledger of nodepool ({}); delete them "
                             "or choose another service name",
                             records_key(), what));
}

}  // namespace nodepool::redis
