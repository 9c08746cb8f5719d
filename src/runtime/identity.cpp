#include "runtime/identity.hpp"

#include <fmt/core.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <random>

namespace nodepool {

constinit std::atomic<std::uint64_t> detail::forks{0};

namespace {

/// Registered when the library is loaded: a child of fork() finds every pool of its parent stopped.
[[maybe_unused]] const int kForkHandler =
    ::pthread_atfork(nullptr, nullptr, [] { detail::forks.fetch_add(1, std::memory_order_relaxed); });

std::string host_name() {
  std::array<char, 65> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0 || buffer.front() == '\0') return "node";
  std::string name(buffer.data());
  std::ranges::replace_if(
      name, [](char c) { return c <= ' ' || c > '~'; }, '-');
  return name;
}

}  // namespace

Identity new_identity() {
  std::random_device random;  // getrandom/rdrand on the platforms we support: good enough for uniqueness
  std::string id;
  for (int i = 0; i < 4; ++i) id += fmt::format("{:08x}", random());
  const std::uint64_t seed = (std::uint64_t{random()} << 32) | random();
  return {.id = id, .default_name = fmt::format("{}-{}", host_name(), id.substr(0, 8)), .seed = seed};
}

}  // namespace nodepool
