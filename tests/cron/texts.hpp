#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nodepool/schedule.hpp"

namespace nodepool::cron::testing {

/// Reads "2024-03-31T02:30:00+02:00"; fails the test if it cannot.
[[nodiscard]] WallTime instant(const std::string& text);
/// The same form, as the clocks of the zone show it.
[[nodiscard]] std::string text_of(WallTime instant, const std::string& zone);

/// Parses; if that fails, the test fails too, and an arbitrary schedule is returned.
[[nodiscard]] Schedule parsed(std::string_view expression, const ParseOptions& options = {});

/// The next `count` instants after `after`, in the schedule's zone; fewer if there are no more.
[[nodiscard]] std::vector<std::string> next_texts(const Schedule& schedule, const std::string& after,
                                                  int count);

}  // namespace nodepool::cron::testing
