#pragma once

#include <string>
#include <vector>

namespace nodepool::cli {

/// Rows of text as lines with aligned columns, two spaces apart; the first row is the heading. A column whose
/// cells all look like numbers is aligned to the right. UTF-8 counts by code points.
[[nodiscard]] std::string format_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace nodepool::cli
