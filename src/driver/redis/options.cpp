#include "driver/redis/options.hpp"

#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <string>
#include <vector>

namespace nodepool::redis {
namespace {

constexpr std::chrono::milliseconds kShortest{10};
constexpr std::chrono::milliseconds kLongest{60'000};
constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t kLongestHost = 255;

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char byte) { return (byte >= 0 && byte <= ' ') || byte == 0x7F; });
}

void check_place(const RedisOptions& options, std::vector<std::string>& faults) {
  if (!options.unix_path.empty()) {
    if (options.unix_path.size() > kLongestPath || options.unix_path.find('\0') != std::string::npos) {
      faults.push_back(fmt::format("the socket's path must be at most {} bytes without NUL", kLongestPath));
    }
    return;
  }
  if (options.host.empty()) faults.emplace_back("the host is missing");
  if (options.host.size() > kLongestHost || has_control(options.host)) {
    faults.push_back(fmt::format("the host must be at most {} bytes, without spaces", kLongestHost));
  }
  if (options.port == 0) faults.emplace_back("the port must be 1 to 65535");
}

void check_timeout(std::string_view name, std::chrono::milliseconds value, std::vector<std::string>& faults) {
  if (value >= kShortest && value <= kLongest) return;
  faults.push_back(fmt::format("{} is {} ms, but must be {} ms to {} ms", name, value.count(),
                               kShortest.count(), kLongest.count()));
}

}  // namespace

Result<void> validate(const RedisOptions& options) {
  std::vector<std::string> faults;
  check_place(options, faults);
  check_timeout("connect_timeout", options.connect_timeout, faults);
  check_timeout("call_timeout", options.call_timeout, faults);
  if (faults.empty()) return {};
  return failure(ErrorCode::invalid_argument, fmt::format("Redis options: {}", fmt::join(faults, "; ")));
}

}  // namespace nodepool::redis
