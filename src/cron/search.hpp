#pragma once

#include <optional>

#include "cron/fields.hpp"
#include "cron/zone.hpp"

namespace nodepool::cron {

/// The first instant after `after` and not after `last` at which a job of these fields is due in the zone.
/// Skipped and repeated local times as docs/schedules.md says.
[[nodiscard]] std::optional<Instant> next_instant(const Fields& fields, const Zone& zone, Instant after,
                                                  Instant last);

}  // namespace nodepool::cron
