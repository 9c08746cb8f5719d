#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "driver/redis/resp_codec.hpp"
#include "nodepool/types.hpp"

namespace nodepool::redis {

/// Lua counts in doubles; real epochs are milliseconds since 1970 and stay far below.
inline constexpr std::uint64_t kMaxExactInteger = (std::uint64_t{1} << 53U) - 2;

/// Within a hundred years: sums of two of them, in nanoseconds, do not overflow.
inline bool is_sane(std::chrono::microseconds::rep count) {
  constexpr auto most = std::chrono::microseconds(std::chrono::hours(24 * 365 * 100)).count();
  return count >= -most && count <= most;
}

/// Reads the items of a script's answer one by one; the first that does not fit spoils the rest.
class Items {
 public:
  explicit Items(const Reply& reply) : items_(reply.items) {}

  const Reply* next(Reply::Kind kind) {
    if (bad_ || at_ == items_.size() || items_[at_].kind != kind) {
      bad_ = true;
      return nullptr;
    }
    return &items_[at_++];
  }
  std::string text() {
    const Reply* item = next(Reply::Kind::text);
    return item == nullptr ? std::string() : item->text;
  }
  template <class Number>
  Number number() {
    const std::string digits = text();
    Number value{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    bad_ |= error != std::errc{} || end != digits.data() + digits.size();
    return value;
  }
  std::chrono::microseconds duration() {
    const auto count = number<std::chrono::microseconds::rep>();
    if (is_sane(count)) return std::chrono::microseconds(count);
    bad_ = true;
    return {};
  }
  Epoch epoch() {
    const auto value = number<std::uint64_t>();
    bad_ |= value > kMaxExactInteger;
    return {value};
  }
  /// An empty text stands for nothing.
  std::optional<std::chrono::microseconds> optional_duration() {
    if (bad_ || at_ == items_.size() || !items_[at_].text.empty()) return duration();
    (void)text();
    return std::nullopt;
  }
  /// A flat array of texts; an empty one if it does not fit.
  std::vector<std::string> texts() {
    std::vector<std::string> result;
    const Reply* array = next(Reply::Kind::array);
    if (array == nullptr) return result;
    for (const Reply& each : array->items) {
      bad_ |= each.kind != Reply::Kind::text;
      result.push_back(each.text);
    }
    return result;
  }
  /// A flat array of keys and values.
  std::map<std::string, std::string> pairs() {
    std::map<std::string, std::string> result;
    const auto flat = texts();
    bad_ |= flat.size() % 2 != 0;
    for (std::size_t index = 0; index + 1 < flat.size(); index += 2) result[flat[index]] = flat[index + 1];
    return result;
  }
  [[nodiscard]] bool next_is_nil() const {
    return !bad_ && at_ < items_.size() && items_[at_].kind == Reply::Kind::nil;
  }
  void skip() { ++at_; }
  [[nodiscard]] bool bad() const { return bad_; }

 private:
  const std::vector<Reply>& items_;
  std::size_t at_ = 0;
  bool bad_ = false;
};

}  // namespace nodepool::redis
