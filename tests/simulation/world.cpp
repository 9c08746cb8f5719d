#include "simulation/world.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace nodepool::simulation {

void World::after(nanoseconds delay, std::function<void()> action) {
  queue_.push({now_ + std::max(delay, nanoseconds(0)), order_++, std::move(action)});
}

void World::run_until(TrueTime end) {
  while (!queue_.empty() && queue_.top().at <= end) {
    const Event event = queue_.top();
    queue_.pop();
    now_ = event.at;
    event.action();
  }
  now_ = end;
}

/// By hand, as the distributions of the standard library differ between implementations.
std::int64_t World::between(std::int64_t least, std::int64_t most) {
  const auto span = static_cast<std::uint64_t>(most - least) + 1;
  return least + static_cast<std::int64_t>(random_() % span);
}

bool World::chance(double probability) {
  return static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
}

void World::trace(const std::string& who, const std::string& what) const {
  fmt::print("{:12.6f} s  {:<10} {}\n", static_cast<double>(now_.count()) / 1e9, who, what);
}

void World::violate(const std::string& what) const {
  throw Violation{what, now_};
}

}  // namespace nodepool::simulation
