#include "cli/parts/table.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace nodepool::cli {
namespace {

struct Column {
  std::size_t width = 0;
  bool is_number = true;
};

std::size_t width_of(std::string_view text) {
  // Continuation bytes of UTF-8 take no place of their own.
  constexpr unsigned kMask = 0xC0;
  constexpr unsigned kContinuation = 0x80;
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char each) {
    return (static_cast<unsigned char>(each) & kMask) != kContinuation;
  }));
}

bool looks_like_a_number(std::string_view text) {
  return text.empty() || text == "-" ||
         (text.find_first_of("0123456789") != std::string_view::npos &&
          text.find_first_not_of("0123456789.-/ ") == std::string_view::npos);
}

std::vector<Column> measure(const std::vector<std::vector<std::string>>& rows) {
  std::vector<Column> columns;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    columns.resize(std::max(columns.size(), rows[row].size()));
    for (std::size_t index = 0; index < rows[row].size(); ++index) {
      Column& column = columns[index];
      column.width = std::max(column.width, width_of(rows[row][index]));
      if (row > 0) column.is_number = column.is_number && looks_like_a_number(rows[row][index]);
    }
  }
  return columns;
}

}  // namespace

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  const std::vector<Column> columns = measure(rows);
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    std::string line;
    for (std::size_t index = 0; index < row.size(); ++index) {
      const std::string padding(columns[index].width - width_of(row[index]), ' ');
      if (index > 0) line += "  ";
      line += columns[index].is_number ? padding + row[index] : row[index] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace nodepool::cli
