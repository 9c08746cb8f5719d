#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <variant>

#include "cron/fields.hpp"
#include "cron/message.hpp"
#include "nodepool/result.hpp"

namespace nodepool::cron {

/// What an expression says, as far as it can be read without knowing the time zones.
struct Expression {
  std::optional<Piece> time_zone;                   ///< Of its prefix; not yet known to exist.
  std::variant<Fields, std::chrono::seconds> when;  ///< The second one is `@every`.
};

/// Reads a text without blanks around it. The piece in the result is a part of the text.
[[nodiscard]] Result<Expression> read_expression(Piece text, std::string_view job);

/// A text without the blanks and tabs around it.
[[nodiscard]] Piece trimmed(Piece text);

}  // namespace nodepool::cron
