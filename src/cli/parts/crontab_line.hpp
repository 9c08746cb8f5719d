#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/result.hpp"

/// The pieces of a crontab's lines. Pure.

namespace nodepool::cli {

/// A part of a line, and where it stands: bytes, from 1.
struct LinePiece {
  std::string_view text;
  std::size_t column = 1;
};

/// What is left without the first `count` bytes; nothing if there are no more.
[[nodiscard]] LinePiece behind(LinePiece piece, std::size_t count);
/// What is left without the blanks at the beginning.
[[nodiscard]] LinePiece without_blanks(LinePiece piece);
/// Takes the blanks, then the next word, then the blanks behind it off the line. Empty at the line's end.
[[nodiscard]] LinePiece take_word(LinePiece& line);
[[nodiscard]] std::vector<LinePiece> words_of(LinePiece line);

/// `NAME = value`, as Vixie's cron reads it: quotes of either kind around name or value, nothing in them or
/// elsewhere is expanded, and a `#` is part of the value.
struct EnvironmentLine {
  std::string name;
  std::string value;
  std::size_t name_column = 1;
  std::size_t value_column = 1;
};
struct EnvironmentFault {
  std::size_t column = 1;
  std::string message;
};
/// None if the line is none of these: then it is an entry.
[[nodiscard]] tl::expected<std::optional<EnvironmentLine>, EnvironmentFault> read_environment_line(
    LinePiece line);

/// What stands behind a schedule: the command, and the text for its standard input.
struct CommandText {
  std::string command;
  std::string input;
};
/// The first `%` begins the input, further ones are line ends in it, and `\%` is a `%`. Input that is not
/// empty ends with a line end.
[[nodiscard]] CommandText split_percent(std::string_view text);

}  // namespace nodepool::cli
