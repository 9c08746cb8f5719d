#include "cli/parts/once_record.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/parts/clock_text.hpp"

namespace nodepool::cli {
namespace {

using OnceJson = nlohmann::json;

MonotonicTime once_deadline() {
  return BootClock::now() + std::chrono::seconds(1);
}

std::string text_of(const OnceState& state) {
  return OnceJson{{"succeeded", state.succeeded},
                  {"attempts", state.attempts},
                  {"node", state.node},
                  {"at_ns", unix_ns(state.at)}}
      .dump();
}

Result<OnceState> state_in(const LedgerRecord& record) {
  if (record.version == 0) return OnceState{};
  try {
    const OnceJson json = OnceJson::parse(record.value);
    return OnceState{.succeeded = json.at("succeeded").get<bool>(),
                     .attempts = json.at("attempts").get<std::uint64_t>(),
                     .node = json.at("node").get<std::string>(),
                     .at = from_unix_ns(json.at("at_ns").get<std::int64_t>())};
  } catch (const std::exception& error) {
    return failure(ErrorCode::store_corrupt, fmt::format("the store has a record {} that cannot be read: {}",
                                                         record.job, error.what()));
  }
}

}  // namespace

OnceRecord::OnceRecord(std::unique_ptr<Ledger> ledger, const std::string& job)
    : ledger_(std::move(ledger)), name_("@nodepool/once/" + job) {}

Result<OnceState> OnceRecord::read() {
  return ledger_->read(name_, once_deadline()).and_then(state_in);
}

/// Until nobody else has written meanwhile.
template <class Change>
Result<OnceState> OnceRecord::change(Change change) {
  const MonotonicTime deadline = once_deadline();
  auto record = ledger_->read(name_, deadline);
  while (record) {
    auto state = state_in(*record);
    if (!state || state->succeeded) return state;
    change(*state);
    const LedgerUpdate update{.job = name_, .expected = record->version, .value = text_of(*state)};
    auto step = ledger_->write(update, deadline);
    if (!step) return tl::unexpected(std::move(step.error()));
    if (step->written) return state;
    record = std::move(step->record);
  }
  return tl::unexpected(std::move(record.error()));
}

Result<OnceState> OnceRecord::begin(const std::string& node) {
  return change([&](OnceState& state) {
    ++state.attempts;
    state.node = node;
    state.at = std::chrono::system_clock::now();
  });
}

Result<OnceState> OnceRecord::succeed(const std::string& node) {
  return change([&](OnceState& state) {
    state.succeeded = true;
    state.node = node;
    state.at = std::chrono::system_clock::now();
  });
}

}  // namespace nodepool::cli
