#include "cron/message.hpp"

#include <fmt/format.h>

#include <utility>

namespace nodepool::cron {

std::string quoted(std::string_view text) {
  constexpr std::size_t kMost = 40;
  std::string shown = "'";
  for (const char c : text.substr(0, kMost)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned>(byte));
    } else {
      shown += c;
    }
  }
  return shown + (text.size() > kMost ? "...'" : "'");
}

tl::unexpected<Error> refused(std::string message) {
  return failure(ErrorCode::invalid_argument, std::move(message));
}

}  // namespace nodepool::cron
