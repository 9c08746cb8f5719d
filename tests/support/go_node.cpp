#include "support/go_node.hpp"

#include <algorithm>
#include <random>

#include "driver/go_dispatch/entries.hpp"

namespace nodepool::test {
namespace {

constexpr std::chrono::milliseconds kCallTime{500};
constexpr unsigned kPoints = 50;

}  // namespace

GoNode::GoNode(std::uint16_t port, GoDispatchLayout layout, const std::string& service,
               std::chrono::milliseconds period)
    : server_{.port = port},
      layout_(layout),
      group_(go_dispatch::group_of("distributed-nodepool", ServiceName(service))),
      period_(period),
      name_(fresh_name()),
      registered_as_(name_),
      thread_([this] { run(); }) {}

std::string GoNode::fresh_name() const {
  std::random_device random;
  return group_ + go_dispatch::uuid_of({random(), random(), random(), random()});
}

bool GoNode::is_steady() const {
  const std::lock_guard lock(mutex_);
  return wanted_ && steady_;
}

bool GoNode::is_eligible(const std::string& job) const {
  const std::lock_guard lock(mutex_);
  return wanted_ && steady_ && ring_ && ring_->owner(job)->name == name_;
}

std::vector<std::string> GoNode::hosts() const {
  const std::lock_guard lock(mutex_);
  return hosts_;
}

void GoNode::stop() {
  kill();
  // The driver of the sorted set deletes a key that does not exist, and stays listed.
  if (layout_ == GoDispatchLayout::key) {
    call({"DEL", registered_as_});
  } else {
    call({"DEL", registered_as_, registered_as_});
  }
}

void GoNode::kill() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = false;
  }
  over_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void GoNode::run() {
  auto next_beat = BootClock::now();
  auto next_look = next_beat;
  std::unique_lock lock(mutex_);
  while (wanted_) {
    lock.unlock();
    if (BootClock::now() >= next_beat) {
      heartbeat();
      next_beat += period_ / 2;
    }
    if (BootClock::now() >= next_look) {
      look();
      next_look += period_;
    }
    lock.lock();
    const auto left = std::max<BootClock::duration>(std::min(next_beat, next_look) - BootClock::now(), {});
    over_.wait_for(lock, left, [&] { return !wanted_; });
  }
}

void GoNode::heartbeat() {
  if (layout_ == GoDispatchLayout::zset) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto second = std::chrono::floor<std::chrono::seconds>(now).count();
    call({"ZADD", group_, std::to_string(second), registered_as_});
    return;
  }
  const auto found = call({"EXISTS", registered_as_});
  if (!found) return;
  // It answers for the name of its first registration for ever.
  if (found->integer == 0 && registered_) {
    registered_as_ = fresh_name();
    lost_ = true;
  }
  const auto ttl = std::max(std::chrono::floor<std::chrono::seconds>(period_), std::chrono::seconds(1));
  if (call({"SETEX", registered_as_, std::to_string(ttl.count()), registered_as_})) registered_ = true;
}

void GoNode::look() {
  auto found = list();
  if (!found) return;  // logged, and the old list stands
  std::vector<std::string> hosts = *std::move(found);
  std::ranges::sort(hosts);
  const std::lock_guard lock(mutex_);
  steady_ = hosts == hosts_ && !hosts.empty();
  if (hosts == hosts_) return;
  hosts_ = hosts;
  std::vector<RingNode> nodes;
  for (const std::string& host : hosts) nodes.push_back({host});
  ring_.reset();
  if (auto ring = HashRing::build(std::move(nodes), kPoints)) ring_ = *std::move(ring);
}

std::optional<std::vector<std::string>> GoNode::list() {
  std::vector<std::string> names;
  if (layout_ == GoDispatchLayout::zset) {
    const auto oldest = go_dispatch::oldest_score(std::chrono::system_clock::now(), period_);
    const auto reply = call({"ZRANGEBYSCORE", group_, std::to_string(oldest.count()), "+inf"});
    if (!reply) return std::nullopt;
    for (const redis::Reply& item : reply->items) names.push_back(item.text);
    return names;
  }
  std::string cursor = "0";
  do {
    const auto reply = call({"SCAN", cursor, "MATCH", group_ + "*"});
    if (!reply || reply->items.size() != 2) return names;  // it takes what it has for the whole list
    cursor = reply->items[0].text;
    for (const redis::Reply& item : reply->items[1].items) names.push_back(item.text);
  } while (cursor != "0");
  return names;
}

std::optional<redis::Reply> GoNode::call(const redis::Command& command) {
  const auto deadline = BootClock::now() + kCallTime;
  if (!connection_ || connection_->is_stale()) {
    connection_.reset();
    const redis::Endpoint endpoint = redis::endpoint_of(server_);
    redis::Resolver resolver;
    auto opened = resolver.resolve(endpoint, deadline).and_then([&](const auto& addresses) {
      return redis::Connection::open(server_, nullptr, endpoint, addresses, deadline);
    });
    if (!opened) return std::nullopt;
    connection_ = *std::move(opened);
  }
  auto reply = connection_->call(command, deadline);
  if (reply && reply->kind != redis::Reply::Kind::error) return *std::move(reply);
  connection_.reset();
  return std::nullopt;
}

}  // namespace nodepool::test
