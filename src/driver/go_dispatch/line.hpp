#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/go_dispatch/entries.hpp"
#include "driver/redis/back_off.hpp"
#include "driver/redis/connection.hpp"
#include "driver/redis/resolver.hpp"

namespace nodepool::go_dispatch {

/// The commands of the Go drivers on a connection that is made when one is needed. An error anywhere is an
/// error: no list is ever shorter than the store's. Belongs to one thread.
class Line {
 public:
  /// `tls`: of the options, none without TLS.
  Line(std::shared_ptr<const GoDispatchOptions> options, std::shared_ptr<const redis::TlsContext> tls,
       std::string group, std::uint32_t seed);

  /// A node's entry was written.
  struct Renewal {
    bool was_there = false;  ///< Its last one had not run out.
    MonotonicTime sent;      ///< Before the server can have got it.
  };
  Result<Renewal> renew(const std::string& name, MonotonicTime deadline);
  /// All entries, unsorted; a key may be there twice.
  Result<std::vector<Entry>> list(MonotonicTime deadline);
  Result<void> remove(const std::string& name, MonotonicTime deadline);
  /// What the server says of itself.
  Result<std::string> info(MonotonicTime deadline);
  /// How long the key still lives: -1 for ever, -2 if there is none.
  Result<std::chrono::milliseconds> time_to_live(const std::string& name, MonotonicTime deadline);

 private:
  Result<void> connect(MonotonicTime deadline);
  Result<void> check_server(MonotonicTime deadline);
  Result<redis::Reply> call(const redis::Command& command, MonotonicTime deadline);
  Result<redis::Reply> exchange(const redis::Command& command, MonotonicTime deadline);
  [[nodiscard]] Error explain(std::string_view refusal) const;
  Result<Renewal> renew_score(const std::string& name, MonotonicTime deadline);
  Result<void> check_clock(MonotonicTime deadline);
  Result<std::vector<Entry>> scan(MonotonicTime deadline);

  std::shared_ptr<const GoDispatchOptions> options_;
  std::shared_ptr<const redis::TlsContext> tls_;
  Pace pace_;
  std::string group_;
  redis::Resolver resolver_;
  redis::BackOff back_off_;
  Error last_failure_;  ///< Of the last attempt to connect.
  std::optional<redis::Connection> connection_;
};

}  // namespace nodepool::go_dispatch
