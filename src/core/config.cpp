#include <fmt/core.h>

#include <charconv>
#include <optional>

#include "nodepool/driver.hpp"

namespace nodepool {
namespace {

/// Takes "name=" and a value without spaces off the front of `text`.
std::optional<std::string_view> take(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name) || text.size() <= name.size() || text[name.size()] != '=') return std::nullopt;
  text.remove_prefix(name.size() + 1);
  const std::string_view value = text.substr(0, text.find(' '));
  text.remove_prefix(value.size());
  if (!text.empty()) text.remove_prefix(1);
  return value;
}

template <class Number>
std::optional<Number> take_number(std::string_view& text, std::string_view name) {
  const auto value = take(text, name);
  Number number{};
  if (!value) return std::nullopt;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc{} || end != value->data() + value->size()) return std::nullopt;
  return number;
}

/// Within what options allow, with room to grow: the arithmetic on leases cannot overflow.
bool is_sane(std::chrono::milliseconds duration) noexcept {
  return duration > std::chrono::milliseconds(0) && duration <= std::chrono::hours(24 * 365);
}

}  // namespace

std::chrono::microseconds clock_step_cap(const PoolConfig& config) noexcept {
  return std::chrono::microseconds(config.heartbeat) * 5 / 4;
}

std::string to_string(const PoolConfig& config) {
  return fmt::format("protocol={} hash={} points={} heartbeat_ms={} lease_ms={}", config.protocol,
                     config.hash, config.points, config.heartbeat.count(), config.lease.count());
}

Result<PoolConfig> parse_pool_config(std::string_view text) {
  std::string_view rest = text;
  const auto protocol = take_number<unsigned>(rest, "protocol");
  const auto hash = take(rest, "hash");
  const auto points = take_number<unsigned>(rest, "points");
  const auto heartbeat = take_number<std::chrono::milliseconds::rep>(rest, "heartbeat_ms");
  const auto lease = take_number<std::chrono::milliseconds::rep>(rest, "lease_ms");
  const bool complete =
      protocol && hash && points && heartbeat && lease && rest.empty() && text.back() != ' ';
  if (!complete || !is_sane(std::chrono::milliseconds(*heartbeat)) ||
      !is_sane(std::chrono::milliseconds(*lease))) {
    return failure(
        ErrorCode::store_corrupt,
        fmt::format("the store holds \"{}\" where a pool's configuration was expected", text.substr(0, 100)));
  }
  return PoolConfig{*protocol, std::string(*hash), *points, std::chrono::milliseconds(*heartbeat),
                    std::chrono::milliseconds(*lease)};
}

}  // namespace nodepool
