#include "cron/zone.hpp"

#include <algorithm>
#include <string_view>

namespace nodepool::cron {
namespace {

constexpr std::size_t kLongestName = 64;

cctz::time_point<cctz::seconds> point(Instant instant) {
  return cctz::time_point<cctz::seconds>(cctz::seconds(instant));
}

Instant instant_of(cctz::time_point<cctz::seconds> point) {
  return point.time_since_epoch().count();
}

constexpr cctz::civil_second kStart(1970, 1, 1, 0, 0, 0);

/// cctz would open any file: other folders are not to be reached, nor its own names such as "libc:localtime".
bool may_be_a_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_+-/").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= kLongestName && name.front() != '/' &&
         std::ranges::all_of(name, fits);
}

}  // namespace

std::optional<Zone> Zone::load(const std::string& name) {
  cctz::time_zone zone;
  if (!may_be_a_name(name) || !cctz::load_time_zone(name, &zone)) return std::nullopt;
  return Zone(zone);
}

LocalTime Zone::local(Instant instant) const {
  return LocalTime{instant + zone_.lookup(point(instant)).offset};
}

Instant Zone::first_reach(LocalTime local) const {
  const auto found = zone_.lookup(kStart + local.seconds);
  return instant_of(found.kind == cctz::time_zone::civil_lookup::SKIPPED ? found.trans : found.pre);
}

std::optional<Instant> Zone::next_change(Instant instant) const {
  cctz::time_zone::civil_transition change;
  if (!zone_.next_transition(point(instant), &change)) return std::nullopt;
  // Until then the offset is the one of now.
  return instant + ((change.from - kStart) - local(instant).seconds);
}

}  // namespace nodepool::cron
