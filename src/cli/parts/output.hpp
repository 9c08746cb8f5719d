#pragma once

#include <string>
#include <string_view>

namespace nodepool::cli {

/// Writes all of the text to a file descriptor at once, unbuffered; false if its reader is gone.
[[nodiscard]] bool write_all(int fd, std::string_view text) noexcept;

}  // namespace nodepool::cli
