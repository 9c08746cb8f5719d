#pragma once

#include <string_view>

#include "cron/fields.hpp"
#include "cron/message.hpp"
#include "nodepool/result.hpp"

namespace nodepool::cron {

enum class FieldKind { second, minute, hour, day, month, weekday };

/// Reads one field of an expression into its part of `fields`, which was empty. `job` fixes `~`.
[[nodiscard]] Result<void> read_field(FieldKind kind, Piece piece, std::string_view job, Fields& fields);

}  // namespace nodepool::cron
