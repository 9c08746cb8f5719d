#include "simulation/sim_store.hpp"

#include <fmt/core.h>

namespace nodepool::simulation {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t kHistory = 400;
constexpr milliseconds kEpochStart{1'795'000'000'000};

}  // namespace

SimStore::SimStore(World& world, std::function<void(const Hint&)> publish)
    : world_(world),
      publish_(std::move(publish)),
      rate_(1.0 + static_cast<double>(world.between(-45, 45)) * 1e-4),
      offset_(world.between(nanoseconds(0), std::chrono::hours(1000))),
      batches_from_(static_cast<std::size_t>(world.between(0, 5))) {}

StoreNow SimStore::present() const {
  const nanoseconds reading =
      nanoseconds(static_cast<std::int64_t>(static_cast<double>(world_.now().count()) * rate_)) + offset_;
  return {.time = duration_cast<microseconds>(reading),
          .unix_time = kEpochStart + duration_cast<milliseconds>(world_.now()),
          .run_id = fmt::format("run{}", run_),
          .batches_from = batches_from_};
}

Result<SyncReply> SimStore::execute(const SyncRequest& request) {
  auto outcome = apply_sync(state_, request, present());
  if (!outcome) return tl::unexpected(outcome.error());
  remember();
  for (const Hint& hint : outcome->publish) publish_(hint);
  return std::move(outcome->reply);
}

void SimStore::execute_on_old_master(const SyncRequest& request) {
  static_cast<void>(apply_sync(old_master_, request, present()));
}

void SimStore::step_clock(nanoseconds by) {
  offset_ += by;
}

void SimStore::restart() {
  ++run_;
}

void SimStore::lose_everything(bool restarted) {
  state_.reset();
  history_.clear();
  if (restarted) ++run_;
}

void SimStore::fail_over(nanoseconds lag) {
  ++run_;
  std::optional<PoolState> replica;
  for (const auto& [at, state] : history_) {
    if (at <= world_.now() - lag) replica = state;
  }
  state_ = std::move(replica);
  history_.clear();
  remember();
}

void SimStore::split() {
  old_master_ = state_;
  ++run_;
}

void SimStore::remember() {
  history_.emplace_back(world_.now(), state_);
  if (history_.size() > kHistory) history_.pop_front();
}

}  // namespace nodepool::simulation
