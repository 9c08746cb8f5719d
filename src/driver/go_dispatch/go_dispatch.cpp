#include "nodepool/go_dispatch.hpp"

#include <fmt/format.h>

#include <random>
#include <utility>

#include "driver/go_dispatch/session.hpp"
#include "driver/redis/options.hpp"

namespace nodepool {
namespace {

/// Immutable, hence usable from any thread.
class GoDispatchDriver final : public Driver {
 public:
  GoDispatchDriver(GoDispatchOptions options, std::shared_ptr<const redis::TlsContext> tls)
      : options_(std::make_shared<const GoDispatchOptions>(std::move(options))), tls_(std::move(tls)) {}

  [[nodiscard]] std::string describe() const override { return redis::describe(options_->redis); }
  [[nodiscard]] Capabilities capabilities() const noexcept override {
    return {.acknowledges = false, .holds = false, .hints = false};
  }
  [[nodiscard]] std::unique_ptr<Session> open(const ServiceName& service) override {
    std::random_device random;
    const go_dispatch::Chance chance{
        .uuid = go_dispatch::uuid_of({random(), random(), random(), random()}),
        .lineage = fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random()),
        .seed = random()};
    return std::make_unique<go_dispatch::GoDispatchSession>(options_, tls_, service, chance);
  }

 private:
  std::shared_ptr<const GoDispatchOptions> options_;
  std::shared_ptr<const redis::TlsContext> tls_;
};

}  // namespace

Result<std::shared_ptr<Driver>> open_go_dispatch(GoDispatchOptions options) {
  if (auto valid = go_dispatch::validate(options); !valid) return tl::unexpected(std::move(valid.error()));
  if (auto valid = redis::validate(options.redis); !valid) return tl::unexpected(std::move(valid.error()));
  auto tls = redis::TlsContext::load_if_wanted(options.redis.tls);
  if (!tls) return tl::unexpected(std::move(tls.error()));
  return std::make_shared<GoDispatchDriver>(std::move(options), *std::move(tls));
}

}  // namespace nodepool
