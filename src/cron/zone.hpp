#pragma once

#include <cctz/time_zone.h>

#include <optional>
#include <string>

#include "cron/local_time.hpp"

namespace nodepool::cron {

/// A time zone: how instants and the clock on the wall belong together. A value, cheap to copy; thread-safe.
class Zone {
 public:
  /// Reads the zone's data when it is first named in this process. None if there is no such zone.
  [[nodiscard]] static std::optional<Zone> load(const std::string& name);

  /// What the clock on the wall shows.
  [[nodiscard]] LocalTime local(Instant instant) const;
  /// When the clock first shows `local`, or jumps over it.
  [[nodiscard]] Instant first_reach(LocalTime local) const;
  /// The next instant after `instant` at which the clock is put forward or back.
  [[nodiscard]] std::optional<Instant> next_change(Instant instant) const;

 private:
  explicit Zone(const cctz::time_zone& zone) : zone_(zone) {}
  cctz::time_zone zone_;
};

}  // namespace nodepool::cron
