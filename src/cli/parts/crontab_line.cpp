#include "cli/parts/crontab_line.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nodepool::cli {
namespace {

constexpr std::string_view kLineBlanks = " \t";
constexpr std::string_view kQuotes = "\"'";

bool is_quoted(LinePiece piece) {
  return !piece.text.empty() && kQuotes.find(piece.text.front()) != std::string_view::npos;
}

/// Where the closing quote is; none if it is missing.
std::optional<std::size_t> closing_quote(std::string_view quoted) {
  const std::size_t end = quoted.find(quoted.front(), 1);
  return end == std::string_view::npos ? std::nullopt : std::optional(end);
}

/// Takes the name off the line. None if what stands there is no name with an `=` behind it.
std::optional<LinePiece> take_name(LinePiece& line) {
  LinePiece name = line;
  if (is_quoted(line)) {
    const auto end = closing_quote(line.text);
    if (!end) return std::nullopt;
    name = {line.text.substr(1, *end - 1), line.column};
    line = without_blanks(behind(line, *end + 1));
  } else {
    name.text = line.text.substr(0, line.text.find_first_of(" \t="));
    line = without_blanks(behind(line, name.text.size()));
  }
  if (!line.text.starts_with('=')) return std::nullopt;
  line = without_blanks(behind(line, 1));
  return name;
}

}  // namespace

LinePiece behind(LinePiece piece, std::size_t count) {
  count = std::min(count, piece.text.size());
  return {piece.text.substr(count), piece.column + count};
}

LinePiece without_blanks(LinePiece piece) {
  return behind(piece, piece.text.find_first_not_of(kLineBlanks));
}

LinePiece take_word(LinePiece& line) {
  line = without_blanks(line);
  const LinePiece word{line.text.substr(0, line.text.find_first_of(kLineBlanks)), line.column};
  line = without_blanks(behind(line, word.text.size()));
  return word;
}

std::vector<LinePiece> words_of(LinePiece line) {
  std::vector<LinePiece> words;
  for (LinePiece word = take_word(line); !word.text.empty(); word = take_word(line)) words.push_back(word);
  return words;
}

tl::expected<std::optional<EnvironmentLine>, EnvironmentFault> read_environment_line(LinePiece line) {
  line = without_blanks(line);
  const std::optional<LinePiece> name = take_name(line);
  if (!name) return std::nullopt;
  EnvironmentLine read{std::string(name->text), {}, name->column, line.column};
  if (!is_quoted(line)) {
    read.value = line.text.substr(0, line.text.find_last_not_of(kLineBlanks) + 1);
    return read;
  }
  const auto end = closing_quote(line.text);
  if (!end) {
    return tl::unexpected(EnvironmentFault{
        line.column, fmt::format("the quote {} that begins the value has no end", line.text.front())});
  }
  read.value = line.text.substr(1, *end - 1);
  const LinePiece rest = without_blanks(behind(line, *end + 1));
  if (rest.text.empty()) return read;
  return tl::unexpected(EnvironmentFault{
      rest.column, "the value ends with its closing quote, but more stands behind it; put all into quotes"});
}

CommandText split_percent(std::string_view text) {
  CommandText split;
  std::string* part = &split.command;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && text.substr(i + 1).starts_with('%')) {
      *part += text[++i];
    } else if (text[i] != '%') {
      *part += text[i];
    } else if (part == &split.command) {
      part = &split.input;
    } else {
      *part += '\n';
    }
  }
  if (!split.input.empty() && !split.input.ends_with('\n')) split.input += '\n';
  return split;
}

}  // namespace nodepool::cli
