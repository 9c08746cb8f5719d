#include "driver/go_dispatch/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "driver/common/descriptor.hpp"
#include "driver/redis/server_findings.hpp"

namespace nodepool::go_dispatch {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// Shown as the rest of a lease that never ends: an entry without a time to live.
constexpr std::chrono::hours kForEver{24 * 365};

/// What Go nodes have no word for would be true for this node alone.
Result<void> check(const SyncRequest& request) {
  if (request.config.hash != PoolConfig{}.hash) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("Go nodes place jobs by the ring, but PoolOptions::placement is {}; leave it "
                               "at PlacementKind::ring",
                               request.config.hash));
  }
  if (request.node.weight != 1) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("Go nodes know no weights, but PoolOptions::weight is {}; leave it at 1",
                               request.node.weight));
  }
  return {};
}

}  // namespace

GoDispatchSession::GoDispatchSession(std::shared_ptr<const GoDispatchOptions> options,
                                     std::shared_ptr<const redis::TlsContext> tls, const ServiceName& service,
                                     const Chance& chance)
    : options_(std::move(options)),
      pace_(pace_of(*options_)),
      reader_{.layout = options_->layout,
              .period = options_->period,
              .group = group_of(options_->prefix, service)},
      tls_(std::move(tls)),
      line_(options_, tls_, reader_.group, chance.seed),
      stability_(pace_.stability),
      lineage_(chance.lineage) {
  reader_.own_name = reader_.group + chance.uuid;
}

Result<SyncReply> GoDispatchSession::sync(const SyncRequest& request, MonotonicTime deadline) {
  if (request.intent == Intent::leaving) return leave(deadline);
  if (auto fit = check(request); !fit) return tl::unexpected(std::move(fit.error()));
  const auto asked = BootClock::now();
  if (asked >= next_exchange_) {
    reader_.own_id = request.node.id;
    if (auto done = exchange(request, deadline); !done) return tl::unexpected(std::move(done.error()));
  }
  return reply_to(request, asked);
}

/// A draining node goes on like this: Go nodes would take its jobs as soon as its entry is gone.
Result<void> GoDispatchSession::exchange(const SyncRequest& request, MonotonicTime deadline) {
  const auto begun = BootClock::now();
  may_be_listed_ = true;
  const auto renewal = line_.renew(reader_.own_name, deadline);
  if (!renewal) return tl::unexpected(renewal.error());
  if (!renewal->was_there || !registered_) stability_.restart();
  registered_ = true;
  const auto look = BootClock::now();
  const auto entries = line_.list(deadline);
  if (!entries) return tl::unexpected(entries.error());
  const auto seen = BootClock::now();
  auto members = members_of(reader_, *entries);
  if (!members) {
    stability_.restart();
    return tl::unexpected(std::move(members.error()));
  }
  // The others may have taken this node for gone, and a change may have come and gone unseen.
  if (seen >= renewed_ + pace_.lease) stability_.restart();
  if (stability_.observe(*members, look, seen)) begin_view(request);
  renewed_ = renewal->sent;
  warnings_ = warnings_of(reader_, *entries, std::chrono::system_clock::now());
  next_exchange_ = begun + pace_.beat;
  if (!stability_.settled()) next_exchange_ = std::min(next_exchange_, stability_.settles_at());
  return {};
}

/// Nobody gives the view a number: the civil time does, so that a later owner's token is greater as far as
/// the nodes' clocks agree.
void GoDispatchSession::begin_view(const SyncRequest& request) {
  const auto civil =
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  const auto epoch = std::max(
      {static_cast<std::uint64_t>(civil.count()), view_.epoch.value + 1, request.known.epoch.value + 1});
  view_ = {lineage_, Epoch{epoch}, request.nonce};
}

SyncReply GoDispatchSession::reply_to(const SyncRequest& request, MonotonicTime asked) const {
  SyncReply reply{.view = view_, .settled = stability_.settled()};
  if (request.known != view_) reply.members = stability_.members();
  // The caller takes off what the clocks' rates may differ by (a tenth at most) of what is left, not of what
  // has passed: so that is counted a ninth longer.
  const auto age = std::max<BootClock::duration>(asked - renewed_, {}) * 10 / 9;
  reply.lease = std::chrono::floor<microseconds>(pace_.lease - age);
  const auto left = std::max<BootClock::duration>(next_exchange_ - BootClock::now(), {});
  reply.look_again_in = std::chrono::ceil<microseconds>(left);
  reply.warnings = warnings_;
  return reply;
}

Result<SyncReply> GoDispatchSession::leave(MonotonicTime deadline) {
  if (may_be_listed_) {
    if (auto removed = line_.remove(reader_.own_name, deadline); !removed) {
      return tl::unexpected(std::move(removed.error()));
    }
  }
  may_be_listed_ = registered_ = false;
  next_exchange_ = {};
  stability_.restart();
  return SyncReply{.view = view_};
}

Result<PoolStatus> GoDispatchSession::status(MonotonicTime deadline) {
  const auto entries = line_.list(deadline);
  if (!entries) return tl::unexpected(entries.error());
  auto members = statuses_of(*entries, deadline);
  if (!members) return tl::unexpected(std::move(members.error()));
  if (members->empty()) {
    return failure(ErrorCode::not_found, fmt::format("there is no entry of {}", shown(reader_.group)));
  }
  std::ranges::sort(*members, {}, [](const MemberStatus& member) { return member.info.name; });
  const auto same_name = [](const MemberStatus& left, const MemberStatus& right) {
    return left.info.name == right.info.name;
  };
  members->erase(std::unique(members->begin(), members->end(), same_name), members->end());
  return PoolStatus{.config = {.heartbeat = options_->period / 2, .lease = pace_.lease},
                    .members = *std::move(members)};
}

Result<std::vector<MemberStatus>> GoDispatchSession::statuses_of(const std::vector<Entry>& entries,
                                                                 MonotonicTime deadline) {
  std::vector<MemberStatus> members;
  for (const Entry& entry : entries) {
    MemberStatus member{.info = {.id = NodeId(entry.name), .name = NodeName(entry.name)}};
    if (options_->layout == GoDispatchLayout::key) {
      const auto left = line_.time_to_live(entry.name, deadline);
      if (!left) return tl::unexpected(left.error());
      if (*left == milliseconds(-2)) continue;  // gone since it was listed
      member.lease_left = *left == milliseconds(-1) ? kForEver : *left;
    } else {
      const std::chrono::duration<double> now(std::chrono::system_clock::now().time_since_epoch());
      const std::chrono::duration<double> left(entry.score - now.count());
      const auto bounded = std::min<std::chrono::duration<double>>(left + options_->period, kForEver);
      member.lease_left = std::chrono::duration_cast<microseconds>(bounded);
    }
    members.push_back(std::move(member));
  }
  return members;
}

Result<void> GoDispatchSession::request_drain(const NodeId& node, MonotonicTime /*deadline*/) {
  return failure(
      ErrorCode::unsupported,
      fmt::format("a go-dispatch pool has no way to ask {} to drain; stop its process", shown(node.str())));
}

/// Does once what a node does all the time, under a service of its own that no node lists.
Finding GoDispatchSession::try_to_take_part(MonotonicTime deadline) const {
  const std::string group = fmt::format("{}:nodepool-doctor-{}:", options_->prefix, lineage_);
  const std::string name = group + "trial";
  Line trial(options_, tls_, group, 0);
  auto done = trial.renew(name, deadline)
                  .and_then([&](const Line::Renewal&) { return trial.list(deadline); })
                  .and_then([&](const std::vector<Entry>&) -> Result<void> {
                    if (options_->layout == GoDispatchLayout::zset) return {};
                    return trial.time_to_live(name, deadline).map([](std::chrono::milliseconds) {});
                  })
                  .and_then([&] { return trial.remove(name, deadline); });
  if (!done) return {Finding::Grade::problem, "permissions", done.error().message, ""};
  return {Finding::Grade::good, "permissions", "this user may do all that nodes do", ""};
}

std::vector<Finding> GoDispatchSession::examine(MonotonicTime deadline) {
  const auto info = line_.info(deadline);
  const auto entries = info ? line_.list(deadline) : tl::unexpected(info.error());
  if (!entries) return {};  // the pool's examination has told so
  auto findings = redis::info_findings(*info, options_->redis);
  std::ranges::move(list_findings(reader_, *entries, std::chrono::system_clock::now()),
                    std::back_inserter(findings));
  findings.push_back(try_to_take_part(deadline));
  return findings;
}

std::vector<Hint> GoDispatchSession::wait(MonotonicTime until, int wake_fd) {
  driver::wait_readable(wake_fd, -1, until);
  return {};
}

}  // namespace nodepool::go_dispatch
