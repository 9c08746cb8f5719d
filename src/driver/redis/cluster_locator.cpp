#include "driver/redis/cluster_locator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "driver/redis/ask_around.hpp"
#include "driver/redis/errors.hpp"
#include "driver/redis/sentinel_locator.hpp"

namespace nodepool::redis {
namespace {

/// So many are asked at once: with too many, none had the time to answer.
constexpr std::size_t kMostAsked = 4;

}  // namespace

ClusterLocator::ClusterLocator(const RedisOptions& options, std::shared_ptr<const TlsContext> tls, Slot slot)
    : options_(options), tls_(std::move(tls)), slot_(slot), nodes_(seeds_of(options)) {}

Result<Endpoint> ClusterLocator::locate(Resolver& resolver, MonotonicTime deadline) {
  if (owner_) return *owner_;
  Refusals refusals;
  const std::size_t asked = std::min(nodes_.size(), kMostAsked);
  for (std::size_t index = 0; index < asked; ++index) {
    const Endpoint node = nodes_.front();
    auto owner = ask(node, resolver, end_of_share(deadline, asked - index));
    if (owner) {
      owner_ = *owner;
      return owner;
    }
    refusals.add(std::move(owner.error()));
    failed(node);
  }
  return refusals.sum(fmt::format("no node of {} tells who serves slot {}", describe(options_), slot_));
}

Result<Endpoint> ClusterLocator::ask(const Endpoint& node, Resolver& resolver, MonotonicTime deadline) {
  auto reply = ask_once(options_, tls_, node, {"CLUSTER", "SLOTS"}, resolver, deadline);
  if (!reply) return tl::unexpected(std::move(reply.error()));
  if (reply->kind == Reply::Kind::error) {
    return tl::unexpected(server_error(reply->text, describe(node, options_), {}, options_.password));
  }
  const auto nodes = read_cluster_slots(*reply, slot_, node);
  if (!nodes) {
    return failure(ErrorCode::unsupported,
                   fmt::format("{} gave an unknown answer to CLUSTER SLOTS", describe(node, options_)));
  }
  if (!nodes->owner) {
    return failure(ErrorCode::unavailable,
                   fmt::format("{} knows nobody who serves slot {}; give it to a node",
                               describe(node, options_), slot_));
  }
  // Whoever is not named any more is forgotten, but for the seeds.
  nodes_ = {*nodes->owner};
  for (const Endpoint& other : nodes->others) learn(other);
  for (const Endpoint& seed : seeds_of(options_)) learn(seed);
  return *nodes->owner;
}

/// Whoever failed is asked last; whom it named stays known.
void ClusterLocator::failed(const Endpoint& endpoint) {
  if (owner_ == endpoint) owner_.reset();
  const auto found = std::ranges::find(nodes_, endpoint);
  if (found != nodes_.end()) std::rotate(found, found + 1, nodes_.end());
}

void ClusterLocator::moved(const Endpoint& endpoint) {
  owner_ = endpoint;
  learn(endpoint);
}

void ClusterLocator::learn(const Endpoint& node) {
  const bool known = std::ranges::find(nodes_, node) != nodes_.end();
  if (!known && nodes_.size() < kMostNodes) nodes_.push_back(node);
}

}  // namespace nodepool::redis
