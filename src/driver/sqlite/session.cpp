#include "driver/sqlite/session.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "driver/sqlite/pool_table.hpp"

namespace nodepool::sqlite {
namespace {

/// How often a session looks by itself where it cannot watch the hint file.
constexpr auto kLook = std::chrono::milliseconds(40);
/// The most a look may wait for a lock.
constexpr auto kLookPatience = std::chrono::milliseconds(20);

}  // namespace

Result<void> SqliteSession::attach(bool create, MonotonicTime deadline) {
  const auto location = locate(store_.path());
  if (!location) return tl::unexpected(location.error());
  if (create) {
    if (auto held = lock_.hold(*location, !location->file_identity, deadline); !held) return held;
  }
  const auto attachment = store_.attach(*location, create, deadline);
  if (attachment && *attachment == StoreFile::Attachment::kept) return {};
  made_here_ = attachment && *attachment == StoreFile::Attachment::made;
  if (!attachment) return tl::unexpected(attachment.error());
  if (*attachment == StoreFile::Attachment::none) return unknown_service();
  run_id_ = run_id_of(store_.location());
  hints_.watch(store_.location().file + "-hint");
  return {};
}

StoreNow SqliteSession::now() const {
  using namespace std::chrono;
  return {.time = duration_cast<microseconds>(BootClock::now().time_since_epoch()),
          .unix_time = duration_cast<milliseconds>(system_clock::now().time_since_epoch()),
          .run_id = run_id_,
          .proven_fresh = made_here_ && lock_.exclusive()};
}

Result<SyncOutcome> SqliteSession::transact(const SyncRequest& request) {
  Transaction transaction(store_.connection());
  if (auto begun = transaction.begin(); !begun) return tl::unexpected(std::move(begun.error()));
  auto row = load(store_.connection(), service_);
  if (!row) return tl::unexpected(std::move(row.error()));
  auto outcome = apply_sync(row->state, request, now());
  if (!outcome || !row->state) return outcome;
  if (!outcome->publish.empty()) ++row->version;
  if (auto saved = save(store_.connection(), service_, *row); !saved)
    return tl::unexpected(std::move(saved.error()));
  if (auto done = transaction.commit(); !done) return tl::unexpected(std::move(done.error()));
  seen_version_ = row->version;
  if (auto log = store_.check_log(); !log) return tl::unexpected(std::move(log.error()));
  const bool new_view =
      std::ranges::any_of(outcome->publish, [](const Hint& hint) { return hint.kind == Hint::Kind::view; });
  if (new_view) {
    if (auto flushed = store_.flush_log(); !flushed) return tl::unexpected(std::move(flushed.error()));
  }
  return outcome;
}

Result<void> SqliteSession::settle_lock(MonotonicTime deadline) {
  if (!lock_.exclusive()) return {};
  auto shared = lock_.share(deadline);
  if (shared && store_.in_place()) return {};
  return failure(ErrorCode::outcome_unknown,
                 fmt::format("the store '{}' was replaced while it was made; try again", store_.path()));
}

Result<SyncReply> SqliteSession::sync(const SyncRequest& request, MonotonicTime deadline) {
  auto attached = attach(true, deadline);
  auto outcome = attached ? transact(request) : tl::unexpected(std::move(attached.error()));
  // Also after a failure: an exclusive lock that stays would keep all others out.
  auto settled = settle_lock(deadline);
  if (!outcome) return tl::unexpected(std::move(outcome.error()));
  if (!outcome->publish.empty()) hints_.announce();
  if (!settled) return tl::unexpected(std::move(settled.error()));
  return std::move(outcome->reply);
}

tl::unexpected<Error> SqliteSession::unknown_service() const {
  return failure(
      ErrorCode::not_found,
      fmt::format("no node of service '{}' has ever joined in the store '{}'; check the service's name "
                  "and the path",
                  service_.str(), store_.path()));
}

Result<PoolStatus> SqliteSession::status(MonotonicTime deadline) {
  if (auto attached = attach(false, deadline); !attached) return tl::unexpected(std::move(attached.error()));
  const auto row = load(store_.connection(), service_);
  if (!row) return tl::unexpected(row.error());
  seen_version_ = row->version;
  if (!row->state) return unknown_service();
  return status_of(*row->state);
}

Result<void> SqliteSession::request_drain(const NodeId& node, MonotonicTime deadline) {
  if (auto attached = attach(false, deadline); !attached) return attached;
  Transaction transaction(store_.connection());
  if (auto begun = transaction.begin(); !begun) return begun;
  auto row = load(store_.connection(), service_);
  if (!row) return tl::unexpected(std::move(row.error()));
  if (!row->state) return unknown_service();
  if (auto marked = apply_drain_request(*row->state, node); !marked) {
    return tl::unexpected(std::move(marked.error()));
  }
  ++row->version;
  if (auto saved = save(store_.connection(), service_, *row); !saved) return saved;
  if (auto done = transaction.commit(); !done) return done;
  hints_.announce();
  return {};
}

bool SqliteSession::news(MonotonicTime deadline) {
  // What cannot be read is news as well: the sync that follows will say what is wrong.
  if (!store_.in_place()) return true;
  store_.connection().wait_until(deadline);
  const auto version = load_version(store_.connection(), service_);
  if (version && *version == seen_version_) return false;
  if (version) seen_version_ = *version;
  return true;
}

std::vector<Hint> SqliteSession::wait(MonotonicTime until, int wake_fd) {
  while (true) {
    const int watched = store_.attached() ? hints_.descriptor() : -1;
    const bool looks = store_.attached() && watched < 0;
    const auto look = looks ? std::min(until, BootClock::now() + kLook) : until;
    const auto readable = driver::wait_readable(watched, wake_fd, look);
    if (readable.first) hints_.drain();
    if ((readable.first || looks) && news(BootClock::now() + kLookPatience)) return {Hint{}};
    if (readable.second || BootClock::now() >= until) return {};
  }
}

}  // namespace nodepool::sqlite
