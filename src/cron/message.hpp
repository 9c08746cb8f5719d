#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "nodepool/result.hpp"

namespace nodepool::cron {

/// A part of an expression and where it stands. Columns count bytes, from 1.
struct Piece {
  std::string_view text;
  std::size_t column = 1;

  /// What is left without the first `count` bytes. REQUIRES: there are as many.
  [[nodiscard]] Piece behind(std::size_t count) const { return {text.substr(count), column + count}; }
};

/// A text that somebody wrote, fit for a message: in quotes, what is not printable ASCII as \xNN, and cut if
/// it is long.
[[nodiscard]] std::string quoted(std::string_view text);

[[nodiscard]] tl::unexpected<Error> refused(std::string message);

}  // namespace nodepool::cron
