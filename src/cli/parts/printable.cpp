#include "cli/parts/printable.hpp"

#include <fmt/format.h>

#include <iterator>

#include "core/utf8.hpp"

namespace nodepool::cli {

std::string printable(std::string_view text) {
  const bool readable = is_utf8(text);
  std::string shown;
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    const bool control = value < 0x20 || value == 0x7f;
    if (control || (value >= 0x80 && !readable)) {
      fmt::format_to(std::back_inserter(shown), "\\x{:02x}", value);
    } else {
      shown += byte;
    }
  }
  return shown;
}

}  // namespace nodepool::cli
