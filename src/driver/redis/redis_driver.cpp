#include <random>
#include <utility>

#include "driver/redis/connection.hpp"
#include "driver/redis/options.hpp"
#include "driver/redis/redis_ledger.hpp"
#include "driver/redis/redis_session.hpp"

namespace nodepool {
namespace {

/// Immutable, hence usable from any thread.
class RedisDriver final : public Driver {
 public:
  RedisDriver(RedisOptions options, std::shared_ptr<const redis::TlsContext> tls)
      : options_(std::make_shared<const RedisOptions>(std::move(options))), tls_(std::move(tls)) {}

  [[nodiscard]] std::string describe() const override { return redis::describe(*options_); }
  [[nodiscard]] Capabilities capabilities() const noexcept override { return {}; }
  [[nodiscard]] std::unique_ptr<Session> open(const ServiceName& service) override {
    // Spreads the retries of many nodes over time; not a secret.
    return std::make_unique<redis::RedisSession>(options_, tls_, service, std::random_device{}());
  }
  [[nodiscard]] std::unique_ptr<Ledger> open_ledger(const ServiceName& service) override {
    return std::make_unique<redis::RedisLedger>(options_, tls_, service, std::random_device{}());
  }

 private:
  std::shared_ptr<const RedisOptions> options_;
  std::shared_ptr<const redis::TlsContext> tls_;
};

}  // namespace

Result<std::shared_ptr<Driver>> open_redis(RedisOptions options) {
  if (auto valid = redis::validate(options); !valid) return tl::unexpected(std::move(valid.error()));
  auto tls = redis::TlsContext::load_if_wanted(options.tls);
  if (!tls) return tl::unexpected(std::move(tls.error()));
  return std::make_shared<RedisDriver>(std::move(options), *std::move(tls));
}

Result<std::shared_ptr<Driver>> open_redis(std::string_view url) {
  return parse_redis_url(url).and_then([](RedisOptions options) { return open_redis(std::move(options)); });
}

}  // namespace nodepool
