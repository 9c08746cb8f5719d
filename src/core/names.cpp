#include <fmt/core.h>

#include <algorithm>
#include <cstdint>

#include "core/utf8.hpp"
#include "nodepool/types.hpp"

namespace nodepool {
namespace {

Result<void> check_length(std::string_view what, std::string_view text, std::size_t most) {
  if (text.empty()) return failure(ErrorCode::invalid_argument, fmt::format("the {} is empty", what));
  if (text.size() <= most) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("the {} has {} bytes; at most {} are allowed", what, text.size(), most));
}

/// The first byte that `bad` refuses, as an error.
template <class Predicate>
Result<void> check_bytes(std::string_view what, std::string_view text, std::string_view allowed,
                         Predicate bad) {
  const auto found = std::ranges::find_if(text, bad);
  if (found == text.end()) return {};
  return failure(
      ErrorCode::invalid_argument,
      fmt::format("the {} has byte 0x{:02x} at position {}; allowed are {}", what,
                  static_cast<unsigned>(static_cast<unsigned char>(*found)), found - text.begin(), allowed));
}

bool is_alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

Result<void> check_utf8(std::string_view what, std::string_view text) {
  if (is_utf8(text)) return {};
  return failure(ErrorCode::invalid_argument, fmt::format("the {} is not valid UTF-8", what));
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0 || i + length > text.size()) return false;
    std::uint32_t code = length == 1 ? lead : lead & (0xffu >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0u) != 0x80u) return false;
      code = (code << 6) | (next & 0x3fu);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (overlong || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
    i += length;
  }
  return true;
}

Result<void> validate(const ServiceName& name) {
  constexpr std::string_view what = "service name";
  return check_length(what, name.str(), kMaxServiceName).and_then([&] {
    return check_bytes(what, name.str(), "letters, digits and . _ : / -", [](char c) {
      return !is_alphanumeric(c) && std::string_view("._:/-").find(c) == std::string_view::npos;
    });
  });
}

Result<void> validate(const NodeName& name) {
  constexpr std::string_view what = "node name";
  return check_length(what, name.str(), kMaxNodeName)
      .and_then([&] {
        return check_bytes(what, name.str(), "all but spaces and control characters",
                           [](char c) { return is_control(c) || c == ' '; });
      })
      .and_then([&] { return check_utf8(what, name.str()); });
}

Result<void> validate_job_name(std::string_view job) {
  constexpr std::string_view what = "job name";
  return check_length(what, job, kMaxJobName)
      .and_then([&] { return check_bytes(what, job, "all but control characters", is_control); })
      .and_then([&] { return check_utf8(what, job); });
}

}  // namespace nodepool
