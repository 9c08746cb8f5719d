#pragma once

#include <string>
#include <string_view>

namespace nodepool::cli {

/// The text as a terminal and a table can show it: control characters, and bytes that are no UTF-8, as
/// "\x1b". Names that come from elsewhere may hold anything.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace nodepool::cli
