#pragma once

#include <string>

#include "cron/fields.hpp"

namespace nodepool::cron {

/// "at 02:30, Monday to Friday": everything that the fields say, and nothing about the zone.
[[nodiscard]] std::string describe_fields(const Fields& fields);

}  // namespace nodepool::cron
