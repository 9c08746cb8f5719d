#include "cron/search.hpp"

namespace nodepool::cron {
namespace {

/// No clock on a wall is further from UTC.
constexpr std::int64_t kGreatestOffset = 2 * kSecondsPerDay;

/// By the clock on the wall: every local time that matches is due when it is first reached, also if the clock
/// jumps over it. What the clock shows has been reached, and so has all before it. So the first later one is
/// the answer, but for the hour that comes a second time: there it may have been reached already.
std::optional<Instant> by_the_wall(const Fields& fields, const Zone& zone, Instant after, Instant last) {
  const LocalTime local_end{last + kGreatestOffset};
  LocalTime from{zone.local(after).seconds + 1};
  while (const auto match = first_match(fields, from, local_end)) {
    const Instant due = zone.first_reach(*match);
    if (due > after) return due <= last ? std::optional(due) : std::nullopt;
    from = LocalTime{match->seconds + 1};
  }
  return std::nullopt;
}

/// By elapsed time: due at every instant at which the clock shows a local time that matches. Goes from one
/// change of the clock to the next, as between them both times pass alike.
std::optional<Instant> by_elapsed_time(const Fields& fields, const Zone& zone, Instant after, Instant last) {
  const LocalTime local_end{last + kGreatestOffset};
  Instant start = after + 1;
  LocalTime from = zone.local(start);
  std::optional<LocalTime> match = first_match(fields, from, local_end);
  while (match && start <= last) {
    const LocalTime shown = zone.local(start);
    // Nothing matches from `from` to `match`: only outside must be searched anew.
    if (shown < from || shown > *match) {
      from = shown;
      match = first_match(fields, from, local_end);
      if (!match) break;
    }
    const Instant due = start + (match->seconds - shown.seconds);
    const auto change = zone.next_change(start);
    if (!change || due < *change) return due <= last ? std::optional(due) : std::nullopt;
    start = *change;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Instant> next_instant(const Fields& fields, const Zone& zone, Instant after, Instant last) {
  return follows_elapsed_time(fields) ? by_elapsed_time(fields, zone, after, last)
                                      : by_the_wall(fields, zone, after, last);
}

}  // namespace nodepool::cron
