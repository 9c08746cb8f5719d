#include "cli/parts/file_fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "cli/parts/printable.hpp"
#include "nodepool/schedule.hpp"

namespace nodepool::cli {
namespace {

constexpr std::string_view kAtColumn = " at column ";

/// The beginning, not cut within a character of UTF-8.
std::string_view beginning(std::string_view text, std::size_t most) {
  constexpr unsigned kMask = 0xC0;
  constexpr unsigned kContinuation = 0x80;
  std::size_t end = std::min(most, text.size());
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & kMask) == kContinuation) {
    --end;
  }
  return text.substr(0, end);
}

/// " at column 5" in a message.
struct NamedColumn {
  std::size_t begin = 0;
  std::size_t size = 0;
  std::size_t number = 0;
};

std::vector<NamedColumn> columns_in(std::string_view message) {
  std::vector<NamedColumn> columns;
  std::size_t at = 0;
  while ((at = message.find(kAtColumn, at)) != std::string_view::npos) {
    const char* const digits = message.data() + at + kAtColumn.size();
    std::size_t number = 0;
    const char* const end = std::from_chars(digits, message.data() + message.size(), number).ptr;
    const auto size = static_cast<std::size_t>(end - message.data()) - at;
    // Else it is part of a text that is quoted.
    if (number > 0 && number <= cron::kMaxExpression) columns.push_back({at, size, number});
    at += size;
  }
  return columns;
}

}  // namespace

std::string to_text(const FileFault& fault, std::string_view file) {
  return fmt::format("{}:{}:{}: {}", printable(file), fault.line, fault.column, fault.message);
}

std::string quoted_piece(std::string_view text) {
  constexpr std::size_t kMost = 60;
  const std::string_view shown = beginning(text, kMost);
  return fmt::format("'{}{}'", printable(shown), shown.size() < text.size() ? "..." : "");
}

void FaultList::add(FileSpot spot, std::string message) {
  faults_.push_back({spot.line, spot.column, std::move(message)});
}

void FaultList::add_schedule(FileSpot start, const Error& error) {
  const std::vector<NamedColumn> columns = columns_in(error.message);
  if (columns.empty()) return add(start, error.message);
  std::string message = error.message;
  for (auto column = columns.rbegin(); column != columns.rend(); ++column) {
    // The only one is told by the fault itself.
    const std::string there = fmt::format("{}{}", kAtColumn, start.column + column->number - 1);
    message.replace(column->begin, column->size, columns.size() > 1 ? there : "");
  }
  add({start.line, start.column + columns.back().number - 1}, std::move(message));
}

std::vector<FileFault> FaultList::sorted() && {
  std::sort(faults_.begin(), faults_.end());
  return std::move(faults_);
}

std::vector<FileLine> lines_of(std::string_view text) {
  std::vector<FileLine> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back({lines.size() + 1, line});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace nodepool::cli
