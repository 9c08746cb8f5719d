#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "driver/redis/connection.hpp"
#include "driver/redis/resolver.hpp"

namespace nodepool::redis {

/// One command to one server that is not talked to otherwise; the reply may be the server's error.
Result<Reply> ask_once(const RedisOptions& options, const std::shared_ptr<const TlsContext>& tls,
                       const Endpoint& endpoint, const Command& command, Resolver& resolver,
                       MonotonicTime deadline);

/// When the next of several has had its share of the time that is left, so that a silent one does not hide
/// the others. REQUIRES: remaining > 0.
MonotonicTime end_of_share(MonotonicTime deadline, std::size_t remaining);

/// What several servers answered in place of what was asked, as one error. If all of them refused the user
/// or are of the wrong kind, that is the error; if one may do later, it is `unavailable`.
class Refusals {
 public:
  void add(Error error);
  [[nodiscard]] bool empty() const noexcept { return errors_.empty(); }
  [[nodiscard]] tl::unexpected<Error> sum(std::string_view what) const;

 private:
  std::vector<Error> errors_;
};

}  // namespace nodepool::redis
