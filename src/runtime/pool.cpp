#include "nodepool/pool.hpp"

#include <utility>

#include "runtime/pool_impl.hpp"
#include "runtime/view_of.hpp"

namespace nodepool {
namespace {

PoolOptions options_for_period(std::chrono::milliseconds update_period, unsigned points, Logger logger) {
  PoolOptions options;
  options.heartbeat = update_period / 4;
  options.lease = update_period;
  options.points = points;
  options.logger = std::move(logger);
  return options;
}

}  // namespace

NodePool::NodePool(ServiceName service, std::shared_ptr<Driver> driver, PoolOptions options)
    : impl_(std::make_shared<Impl>(std::move(service), std::move(driver), std::move(options))) {}

NodePool::NodePool(std::string_view service, std::shared_ptr<Driver> driver,
                   std::chrono::milliseconds update_period, unsigned points, Logger logger)
    : NodePool(ServiceName(service), std::move(driver),
               options_for_period(update_period, points, std::move(logger))) {}

NodePool::~NodePool() {
  impl_->stop(Impl::Patience::none);
}

Result<void> NodePool::start(std::chrono::milliseconds timeout, std::stop_token cancel) {
  return impl_->start(timeout, cancel);
}
void NodePool::stop() {
  impl_->stop(Impl::Patience::drain_grace);
}

Result<void> NodePool::wait_until_eligible(std::string_view job, MonotonicTime deadline,
                                           std::stop_token cancel) {
  return impl_->wait_until_eligible(job, deadline, cancel);
}

std::uint64_t NodePool::wait_for_change(std::uint64_t seen, MonotonicTime deadline, std::stop_token cancel) {
  return impl_->wait_for_change(seen, deadline, cancel);
}

std::uint64_t INodePool::wait_for_change(std::uint64_t seen, MonotonicTime deadline, std::stop_token cancel) {
  constexpr std::chrono::milliseconds kPause{10};
  const auto pause = std::min<std::chrono::nanoseconds>(deadline - BootClock::now(), kPause);
  if (seen == 0 || pause.count() <= 0) return seen + 1;
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, std::move(cancel), pause, [] { return false; });
  return seen + 1;
}

std::optional<NodeInfo> NodePool::owner(std::string_view job) const {
  return impl_->read_standing([&](const Standing& standing) -> std::optional<NodeInfo> {
    const NodeInfo* owner = standing.view ? standing.view->owner(job) : nullptr;
    return owner != nullptr ? std::optional(*owner) : std::nullopt;
  });
}

std::vector<NodeInfo> NodePool::nodes() const {
  return view().members;
}
View NodePool::view() const {
  return impl_->read_standing(view_of);
}
NodeState NodePool::state() const noexcept {
  return impl_->state();
}
NodeId NodePool::node_id() const {
  return impl_->node_id();
}
NodeName NodePool::node_name() const {
  return impl_->node_name();
}

MonotonicTime NodePool::last_view_change() const noexcept {
  return impl_->read_standing(
      [](const Standing& standing) { return standing.view ? standing.view->adopted_at : MonotonicTime{}; });
}

PoolStats NodePool::stats() const noexcept {
  return impl_->stats();
}

}  // namespace nodepool
