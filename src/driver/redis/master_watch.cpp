#include "driver/redis/master_watch.hpp"

#include <fmt/format.h>

#include <utility>

#include "driver/redis/errors.hpp"
#include "driver/redis/sentinel_locator.hpp"
#include "driver/redis/sentinel_text.hpp"

namespace nodepool::redis {

MasterWatch::MasterWatch(const RedisOptions& options, std::shared_ptr<const TlsContext> tls,
                         std::uint32_t seed)
    : options_(sentinel_options(options)),
      subscription_(options_, std::move(tls), std::string(kSwitchChannel), seed) {
  std::vector<Subscription::Place> sentinels;
  for (Endpoint& sentinel : seeds_of(options)) sentinels.push_back({std::move(sentinel)});
  subscription_.listen_at(std::move(sentinels));
}

std::optional<Endpoint> MasterWatch::take_switch() {
  std::optional<Endpoint> newest;
  for (const Subscription::Heard& heard : subscription_.take()) {
    missed_ |= !heard;
    if (!heard) continue;
    if (auto master = read_switch(*heard, options_.master_name)) newest = std::move(master);
  }
  return newest;
}

bool MasterWatch::take_missed() {
  return std::exchange(missed_, false);
}

std::optional<std::string> MasterWatch::warning() const {
  const auto& denial = subscription_.denied();
  if (!denial) return std::nullopt;
  return fmt::format("failovers are noticed late, by their errors: {}",
                     sentinel_error(denial->text, denial->server).message);
}

}  // namespace nodepool::redis
