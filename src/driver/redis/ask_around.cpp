#include "driver/redis/ask_around.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace nodepool::redis {

Result<Reply> ask_once(const RedisOptions& options, const std::shared_ptr<const TlsContext>& tls,
                       const Endpoint& endpoint, const Command& command, Resolver& resolver,
                       MonotonicTime deadline) {
  return resolver.resolve(endpoint, deadline)
      .and_then([&](const auto& addresses) {
        return Connection::open(options, tls, endpoint, addresses, deadline);
      })
      .and_then([&](Connection connection) { return connection.call(command, deadline); });
}

MonotonicTime end_of_share(MonotonicTime deadline, std::size_t remaining) {
  const auto now = BootClock::now();
  return now + (deadline - now) / static_cast<std::int64_t>(remaining);
}

void Refusals::add(Error error) {
  errors_.push_back(std::move(error));
}

tl::unexpected<Error> Refusals::sum(std::string_view what) const {
  const auto is_final = [](const Error& error) {
    return error.code == ErrorCode::permission_denied || error.code == ErrorCode::unsupported;
  };
  const bool final = !errors_.empty() && std::ranges::all_of(errors_, is_final);
  const auto code = final ? errors_.front().code : ErrorCode::unavailable;
  std::string reasons;
  for (const Error& error : errors_) {
    reasons += fmt::format("{}{}", reasons.empty() ? "" : "; ", error.message);
  }
  return failure(code, fmt::format("{}: {}", what, reasons));
}

}  // namespace nodepool::redis
