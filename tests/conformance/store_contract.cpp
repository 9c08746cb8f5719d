#include "conformance/store_contract.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>

namespace nodepool::conformance {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;

/// 32 hexadecimal digits that no other call and no other process of this machine has got.
std::string unique_digits() {
  static std::atomic<std::uint64_t> counter{0};
  const auto now = static_cast<std::uint64_t>(BootClock::now().time_since_epoch().count());
  return fmt::format("{:012x}{:08x}{:012x}", now & 0xffffffffffff, static_cast<unsigned>(::getpid()),
                     ++counter);
}

}  // namespace

PoolConfig short_lease() {
  return {.heartbeat = 100ms, .lease = 300ms};
}
// A sync moves the pool's clock by at most 25 ms here: a machine that stalls evicts nobody.
PoolConfig middle_lease() {
  return {.heartbeat = 20ms, .lease = 1s};
}
PoolConfig long_lease() {
  return {.heartbeat = 20s, .lease = 60s};
}
MonotonicTime soon() {
  return BootClock::now() + kPatience;
}

Peer::Peer(Driver& driver, const ServiceName& service, const std::string& name, const PoolConfig& config)
    : session_(driver.open(service)) {
  request.config = config;
  request.node.id = NodeId(unique_digits());
  request.node.name = NodeName(name);
}

Result<SyncReply> Peer::try_sync() {
  ++request.sequence;
  request.nonce = unique_digits();
  auto reply = session_->sync(request, soon());
  if (!reply || reply->waiting) return reply;
  membership_.complete(*reply);
  request.known = reply->view;
  return reply;
}

SyncReply Peer::sync() {
  auto reply = try_sync();
  if (reply) return *reply;
  ADD_FAILURE() << request.node.name.str() << ": " << to_string(reply.error().code) << ": "
                << reply.error().message;
  return {};
}

SyncReply Peer::leave() {
  request.intent = Intent::leaving;
  SyncReply reply = sync();
  request.intent = Intent::active;
  request.known = {};
  return reply;
}

SyncReply Peer::sync_until(const std::function<bool(const SyncReply&)>& condition) {
  const MonotonicTime deadline = soon();
  while (true) {
    SyncReply reply = sync();
    if (condition(reply)) return reply;
    if (BootClock::now() >= deadline) {
      ADD_FAILURE() << request.node.name.str() << ": what was waited for has not come";
      return reply;
    }
    // The pool's clock goes on with heartbeats only; a hint may cut the pause short.
    [[maybe_unused]] const auto hints = session_->wait(BootClock::now() + 20ms, -1);
  }
}

void Peer::hear_out() {
  const MonotonicTime deadline = soon();
  while (!session_->wait(BootClock::now() + 100ms, -1).empty()) {
    if (BootClock::now() < deadline) continue;
    ADD_FAILURE() << "hints come without end";
    return;
  }
}

Peer StoreContract::peer(const std::string& name, const PoolConfig& config, const ServiceName& service) {
  drivers_.push_back(connect());
  return {*drivers_.back(), service, name, config};
}

void StoreContract::settle(const std::vector<Peer*>& peers) {
  // A barrier lasts a lease of the pool's clock, which goes on by at most 1.25 heartbeats with each sync.
  const MonotonicTime deadline = soon() + peers.front()->request.config.lease;
  while (BootClock::now() < deadline) {
    std::optional<ViewStamp> view;
    bool settled = true;
    for (Peer* each : peers) {
      const SyncReply reply = each->sync();
      settled = settled && reply.settled && reply.view == view.value_or(reply.view);
      view = reply.view;
    }
    if (settled) return;
    [[maybe_unused]] const auto hints = peers.front()->session().wait(BootClock::now() + 5ms, -1);
  }
  ADD_FAILURE() << "the pool does not settle";
}

std::vector<NodeId> ids_of(const SyncReply& reply) {
  std::vector<NodeId> ids;
  for (const NodeInfo& member : reply.members.value_or(std::vector<NodeInfo>())) ids.push_back(member.id);
  return ids;
}

std::vector<NodeId> ids_of(std::vector<const Peer*> peers) {
  std::ranges::sort(peers, [](const Peer* one, const Peer* other) {
    return std::pair(one->request.node.name, one->id()) < std::pair(other->request.node.name, other->id());
  });
  std::vector<NodeId> ids;
  for (const Peer* each : peers) ids.push_back(each->id());
  return ids;
}

}  // namespace nodepool::conformance
