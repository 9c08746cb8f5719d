#include "driver/redis/sentinel_locator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "driver/redis/ask_around.hpp"
#include "driver/redis/errors.hpp"
#include "driver/redis/sentinel_text.hpp"

namespace nodepool::redis {

RedisOptions sentinel_options(const RedisOptions& options) {
  RedisOptions result = options;
  result.user = options.sentinel_user;
  result.password = options.sentinel_password;
  result.database = 0;
  return result;
}

std::vector<Endpoint> seeds_of(const RedisOptions& options) {
  std::vector<Endpoint> seeds;
  for (const RedisAddress& seed : options.seeds) seeds.push_back({.host = seed.host, .port = seed.port});
  return seeds;
}

SentinelLocator::SentinelLocator(const RedisOptions& options, std::shared_ptr<const TlsContext> tls)
    : options_(sentinel_options(options)),
      tls_(std::move(tls)),
      master_name_(options.master_name),
      sentinels_(seeds_of(options)) {}

Result<Endpoint> SentinelLocator::locate(Resolver& resolver, MonotonicTime deadline) {
  if (announced_) return *std::exchange(announced_, std::nullopt);
  Refusals refusals;
  bool unknown = false;
  for (std::size_t index = 0; index < sentinels_.size(); ++index) {
    auto master = ask(sentinels_[index], resolver, end_of_share(deadline, sentinels_.size() - index));
    if (!master) {
      refusals.add(std::move(master.error()));
    } else if (!*master) {
      unknown = true;
    } else {
      const auto asked = sentinels_.begin() + static_cast<std::ptrdiff_t>(index);
      std::rotate(sentinels_.begin(), asked, asked + 1);
      return **std::move(master);
    }
  }
  // One that was just set up knows no master yet: only if all say so it is the name that is wrong.
  if (!unknown || !refusals.empty())
    return refusals.sum(fmt::format("no Sentinel tells the master '{}'", master_name_));
  return failure(ErrorCode::invalid_argument,
                 fmt::format("the Sentinels of {} know no master of the name '{}'; look at SENTINEL MASTERS",
                             describe(options_), master_name_));
}

void SentinelLocator::failed(const Endpoint& /*endpoint*/) {
  announced_.reset();
  std::rotate(sentinels_.begin(), sentinels_.begin() + 1, sentinels_.end());
}

Result<std::optional<Endpoint>> SentinelLocator::ask(const Endpoint& sentinel, Resolver& resolver,
                                                     MonotonicTime deadline) {
  auto reply = ask_once(options_, tls_, sentinel, {"SENTINEL", "get-master-addr-by-name", master_name_},
                        resolver, deadline);
  if (!reply) return tl::unexpected(std::move(reply.error()));
  if (reply->kind == Reply::Kind::error) {
    return tl::unexpected(sentinel_error(reply->text, describe(sentinel, options_), options_.password));
  }
  return read_master_address(*reply);
}

}  // namespace nodepool::redis
