#include "simulation/sim_node.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace nodepool::simulation {

SimNode::SimNode(World& world, int index, NodeSettings settings, unsigned weight, Send send)
    : world_(world),
      index_(index),
      name_(fmt::format("n{}", index)),
      settings_(std::move(settings)),
      weight_(weight),
      send_(std::move(send)),
      rate_(1.0 + static_cast<double>(world.between(-45, 45)) * 1e-4),
      offset_(world.between(nanoseconds(0), std::chrono::hours(1000))),
      published_(std::make_shared<Standing>()) {}

MonotonicTime SimNode::local_now() const {
  const auto reading = static_cast<std::int64_t>(static_cast<double>(world_.now().count()) * rate_);
  return MonotonicTime(nanoseconds(reading) + offset_);
}

nanoseconds SimNode::true_delay(nanoseconds local) const {
  return nanoseconds(static_cast<std::int64_t>(static_cast<double>(local.count()) / rate_) + 1);
}

Decision SimNode::decide(const std::string& job) const {
  return nodepool::decide(*published_, job, local_now());
}

// ---- what is done to the process
// --------------------------------------------------------------------------------

void SimNode::start() {
  if (up()) return;
  ++life_;
  self_ = {.id = NodeId(fmt::format("n{}-{}", index_, life_)), .name = NodeName(name_), .weight = weight_};
  settings_.jitter_seed = static_cast<std::uint64_t>(world_.between(0, 1'000'000'000));
  node_ = std::make_unique<Node>(settings_, self_);
  ledger_ = {};
  claims_.clear();
  frozen_ = calling_ = false;
  deferred_.clear();
  hints_.clear();
  turn();
}

void SimNode::crash() {
  node_.reset();
  ++life_;
  claims_.clear();
  published_ = std::make_shared<Standing>();
  if (on_change) on_change(*this);
}

void SimNode::freeze() {
  frozen_ = up();
}

void SimNode::thaw() {
  frozen_ = false;
  for (auto& action : std::exchange(deferred_, {})) defer(std::move(action));
}

void SimNode::drain() {
  defer([this] {
    node_->drain(local_now());
    if (!calling_) turn();
  });
}

void SimNode::hear(const Hint& hint) {
  defer([this, hint] {
    hints_.push_back(hint);
    if (!calling_) turn();
  });
}

// ---- the loop
// -----------------------------------------------------------------------------------------------------

void SimNode::turn() {
  for (const Hint& hint : std::exchange(hints_, {})) node_->on_hint(hint, local_now());
  publish();
  node_->advance(local_now(), ledger_);
  publish();
  const auto request = node_->next_request(local_now(), ledger_);
  if (!request) {
    if (node_->finished()) return crash();  // it has left: the process ends
    return sleep_until(node_->next_wakeup());
  }
  calling_ = true;
  const std::uint64_t call = ++call_;
  const auto finish = [this, call](auto&& tell) {
    if (call != call_ || !calling_) return;  // it was given up before
    calling_ = false;
    tell();
    publish();
    turn();
  };
  const nanoseconds patience = node_->call_deadline(local_now()) - local_now();
  later(true_delay(patience), [this, finish] {
    finish([&] { node_->on_failure({ErrorCode::outcome_unknown, "no reply in time"}, local_now()); });
  });
  const int life = life_;
  send_(index_, *request, [this, finish, life](Result<SyncReply> reply) {
    if (life != life_) return;
    defer([this, finish, reply = std::move(reply)] {
      finish([&] {
        reply ? node_->on_reply(*reply, local_now()) : node_->on_failure(reply.error(), local_now());
      });
    });
  });
}

void SimNode::publish() {
  const bool changed = published_ != node_->standing();
  published_ = node_->standing();
  for (const NodeEvent& event : node_->take_events()) handle(event);
  if (changed && on_change) on_change(*this);
}

void SimNode::handle(const NodeEvent& event) {
  if (event.kind == NodeEvent::Kind::state_changed && world_.tracing()) {
    world_.trace(name_, fmt::format("is {}, epoch {}", to_string(event.state),
                                    published_->view ? published_->view->stamp.epoch.value % 1'000'000 : 0));
  }
  if (event.kind == NodeEvent::Kind::lease_lost) ++fences_;
  if (event.kind == NodeEvent::Kind::view_adopted) ask_to_hand_over(published_->view->owned);
  if (event.kind == NodeEvent::Kind::draining) ask_to_hand_over(ArcSet{});
  if (event.kind != NodeEvent::Kind::lease_lost && event.kind != NodeEvent::Kind::grace_over) return;
  for (const ClaimLedger::Serial serial : ledger_.revoke_all()) {
    const auto claim = std::ranges::find(claims_, serial, &SimClaim::serial);
    if (claim != claims_.end()) claim->revoked = true;
  }
}

void SimNode::sleep_until(MonotonicTime wakeup) {
  const std::uint64_t nap = ++nap_;
  if (wakeup == MonotonicTime::max()) return;
  const auto left = std::max<nanoseconds>(wakeup - std::min(local_now(), wakeup), nanoseconds(1));
  later(true_delay(std::min<nanoseconds>(left, std::chrono::hours(1))), [this, nap] {
    if (nap == nap_ && !calling_) turn();
  });
}

// ---- claims
// -------------------------------------------------------------------------------------------------------

void SimNode::try_claim(const std::string& job, nanoseconds duration, bool heeds_hand_over) {
  if (!up() || frozen_) return;
  const Decision decision = decide(job);
  if (!decision) return;
  const auto serial = ledger_.add(job);
  if (!serial) return;
  claims_.push_back({.job = job, .serial = *serial, .token = decision.token, .lease = published_->lease});
  if (world_.tracing())
    world_.trace(name_, fmt::format("claims {} for {} ms", job, duration.count() / 1'000'000));
  on_claim(*this, claims_.back());
  const auto most =
      heeds_hand_over ? std::min<nanoseconds>(duration, std::chrono::milliseconds(200)) : duration;
  later(most, [this, serial = *serial] { release(serial); });
}

void SimNode::ask_to_hand_over(const ArcSet& owned) {
  static_cast<void>(ledger_.ask_to_hand_over(owned));
}

void SimNode::release(ClaimLedger::Serial serial) {
  const auto claim = std::ranges::find(claims_, serial, &SimClaim::serial);
  if (claim == claims_.end()) return;
  const bool awaited = ledger_.remove(claim->job, serial);
  claims_.erase(claim);
  if (awaited) node_->on_release();
  if (!calling_) turn();
}

// ---- scheduling
// ---------------------------------------------------------------------------------------------------

void SimNode::defer(std::function<void()> action) {
  if (!up()) return;
  if (frozen_) {
    deferred_.push_back(std::move(action));
  } else {
    action();
  }
}

void SimNode::later(nanoseconds delay, std::function<void()> action) {
  world_.after(delay, [this, life = life_, action = std::move(action)] {
    if (life == life_) defer(action);
  });
}

}  // namespace nodepool::simulation
