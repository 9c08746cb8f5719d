#include "driver/sqlite/session.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "driver/sqlite/format.hpp"
#include "driver/sqlite/pool_table.hpp"

namespace nodepool::sqlite {
namespace {

/// How often a session looks by itself where it cannot watch the hint file.
constexpr auto kLook = std::chrono::milliseconds(40);
/// The most a look may wait for a lock.
constexpr auto kLookPatience = std::chrono::milliseconds(20);

}  // namespace

Result<void> SqliteSession::attach(bool create, MonotonicTime deadline) {
  auto location = locate(path_);
  if (!location) return tl::unexpected(std::move(location.error()));
  if (create) {
    if (auto held = lock_.hold(*location, !location->file_identity, deadline); !held) return held;
  }
  if (connection_ && location->file_identity && location->file_identity == identity_) {
    connection_->wait_until(deadline);
    return log_ ? check_log() : Result<void>{};
  }
  connection_.reset();
  identity_.reset();
  log_.reset();
  made_here_ = false;
  if (!location->file_identity) {
    if (!create) return unknown_service();
    auto made = create_store(*location, deadline);
    if (!made) return tl::unexpected(std::move(made.error()));
    made_here_ = *made;
  }
  auto connection = open_store(*location, deadline);
  if (!connection) return tl::unexpected(std::move(connection.error()));
  location = locate(path_);
  if (!location) return tl::unexpected(std::move(location.error()));
  connection_ = std::move(*connection);
  identity_ = location->file_identity;
  run_id_ = run_id_of(*location);
  hints_.watch(location->file + "-hint");
  return {};
}

Result<void> SqliteSession::check_log() {
  const auto present = log_identity_of(connection_->file());
  if (!log_) log_ = present;
  if (present && present == log_) return {};
  connection_->abandon_log();
  return failure(ErrorCode::store_corrupt,
                 fmt::format("SQLite's log of the store '{0}' was deleted while nodes run; stop all of them, "
                             "then start them again, and never delete '{0}-wal' or '{0}-shm' alone",
                             connection_->file()));
}

StoreNow SqliteSession::now() const {
  using namespace std::chrono;
  return {.time = duration_cast<microseconds>(BootClock::now().time_since_epoch()),
          .unix_time = duration_cast<milliseconds>(system_clock::now().time_since_epoch()),
          .run_id = run_id_,
          .proven_fresh = made_here_ && lock_.exclusive()};
}

Result<SyncOutcome> SqliteSession::transact(const SyncRequest& request) {
  Transaction transaction(*connection_);
  if (auto begun = transaction.begin(); !begun) return tl::unexpected(std::move(begun.error()));
  auto row = load(*connection_, service_);
  if (!row) return tl::unexpected(std::move(row.error()));
  auto outcome = apply_sync(row->state, request, now());
  if (!outcome || !row->state) return outcome;
  if (!outcome->publish.empty()) ++row->version;
  if (auto saved = save(*connection_, service_, *row); !saved)
    return tl::unexpected(std::move(saved.error()));
  if (auto done = transaction.commit(); !done) return tl::unexpected(std::move(done.error()));
  seen_version_ = row->version;
  if (auto log = check_log(); !log) return tl::unexpected(std::move(log.error()));
  const bool new_view =
      std::ranges::any_of(outcome->publish, [](const Hint& hint) { return hint.kind == Hint::Kind::view; });
  if (new_view) {
    if (auto flushed = flush_log(); !flushed) return tl::unexpected(std::move(flushed.error()));
  }
  return outcome;
}

Result<void> SqliteSession::flush_log() const {
  const std::string name = connection_->file() + "-wal";
  const driver::Descriptor log(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (log && ::fdatasync(log.get()) == 0) return {};
  return failure(ErrorCode::outcome_unknown, fmt::format("cannot make '{}' durable: {}; check its disk", name,
                                                         std::generic_category().message(errno)));
}

bool SqliteSession::in_place() const {
  const auto location = locate(path_);
  return location && location->file_identity && location->file_identity == identity_;
}

Result<void> SqliteSession::settle_lock(MonotonicTime deadline) {
  if (!lock_.exclusive()) return {};
  auto shared = lock_.share(deadline);
  if (shared && in_place()) return {};
  return failure(ErrorCode::outcome_unknown,
                 fmt::format("the store '{}' was replaced while it was made; try again", path_));
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
                  service_.str(), path_));
}

Result<PoolStatus> SqliteSession::status(MonotonicTime deadline) {
  if (auto attached = attach(false, deadline); !attached) return tl::unexpected(std::move(attached.error()));
  const auto row = load(*connection_, service_);
  if (!row) return tl::unexpected(row.error());
  seen_version_ = row->version;
  if (!row->state) return unknown_service();
  return status_of(*row->state);
}

Result<void> SqliteSession::request_drain(const NodeId& node, MonotonicTime deadline) {
  if (auto attached = attach(false, deadline); !attached) return attached;
  Transaction transaction(*connection_);
  if (auto begun = transaction.begin(); !begun) return begun;
  auto row = load(*connection_, service_);
  if (!row) return tl::unexpected(std::move(row.error()));
  if (!row->state) return unknown_service();
  if (auto marked = apply_drain_request(*row->state, node); !marked) {
    return tl::unexpected(std::move(marked.error()));
  }
  ++row->version;
  if (auto saved = save(*connection_, service_, *row); !saved) return saved;
  if (auto done = transaction.commit(); !done) return done;
  hints_.announce();
  return {};
}

bool SqliteSession::news(MonotonicTime deadline) {
  // What cannot be read is news as well: the sync that follows will say what is wrong.
  if (!in_place()) return true;
  connection_->wait_until(deadline);
  const auto version = load_version(*connection_, service_);
  if (version && *version == seen_version_) return false;
  if (version) seen_version_ = *version;
  return true;
}

std::vector<Hint> SqliteSession::wait(MonotonicTime until, int wake_fd) {
  while (true) {
    const int watched = connection_ ? hints_.descriptor() : -1;
    const bool looks = connection_ && watched < 0;
    const auto look = looks ? std::min(until, BootClock::now() + kLook) : until;
    const auto readable = driver::wait_readable(watched, wake_fd, look);
    if (readable.first) hints_.drain();
    if ((readable.first || looks) && news(BootClock::now() + kLookPatience)) return {Hint{}};
    if (readable.second || BootClock::now() >= until) return {};
  }
}

}  // namespace nodepool::sqlite
