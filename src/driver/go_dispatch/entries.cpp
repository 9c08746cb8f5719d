#include "driver/go_dispatch/entries.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

namespace nodepool::go_dispatch {
namespace {

using redis::Reply;

constexpr std::size_t kUuid = 36;
constexpr std::size_t kLongestShown = 120;

bool is_dash_place(std::size_t index) {
  return index == 8 || index == 13 || index == 18 || index == 23;
}

tl::unexpected<Error> not_a(std::string_view what) {
  return failure(ErrorCode::store_corrupt,
                 fmt::format("the server's answer to {} is not what Redis answers; is there a proxy in "
                             "between that changes it?",
                             what));
}

}  // namespace

std::string group_of(std::string_view prefix, const ServiceName& service) {
  return fmt::format("{}:{}:", prefix, service.str());
}

std::string uuid_of(const std::array<std::uint32_t, 4>& random) {
  const std::uint32_t version = (random[1] & 0xffff0fffU) | 0x4000U;
  const std::uint32_t variant = (random[2] & 0x3fffffffU) | 0x80000000U;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}", random[0], version >> 16, version & 0xffffU,
                     variant >> 16, variant & 0xffffU, random[3]);
}

bool is_node_of(std::string_view group, std::string_view entry) noexcept {
  if (!entry.starts_with(group) || entry.size() != group.size() + kUuid) return false;
  const std::string_view uuid = entry.substr(group.size());
  for (std::size_t index = 0; index < kUuid; ++index) {
    const char byte = uuid[index];
    const bool digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
    if (is_dash_place(index) ? byte != '-' : !digit) return false;
  }
  return uuid[14] == '4' && std::string_view("89ab").find(uuid[19]) != std::string_view::npos;
}

std::string shown(std::string_view entry) {
  std::string text = "\"";
  for (const char byte : entry.substr(0, kLongestShown)) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value >= 0x7f || byte == '"' || byte == '\\') {
      fmt::format_to(std::back_inserter(text), "\\x{:02x}", value);
    } else {
      text += byte;
    }
  }
  return text + (entry.size() > kLongestShown ? "...\"" : "\"");
}

Result<ScanPage> read_scan(const Reply& reply) {
  const bool fits = reply.kind == Reply::Kind::array && reply.items.size() == 2 &&
                    reply.items[0].kind == Reply::Kind::text && reply.items[1].kind == Reply::Kind::array;
  if (!fits || reply.items[0].text.empty()) return not_a("SCAN");
  ScanPage page{.cursor = reply.items[0].text};
  for (const Reply& item : reply.items[1].items) {
    if (item.kind != Reply::Kind::text) return not_a("SCAN");
    page.entries.push_back({.name = item.text});
  }
  return page;
}

Result<std::vector<Entry>> read_scores(const Reply& reply) {
  if (reply.kind != Reply::Kind::array || reply.items.size() % 2 != 0) return not_a("ZRANGEBYSCORE");
  std::vector<Entry> entries;
  for (std::size_t index = 0; index < reply.items.size(); index += 2) {
    const Reply& name = reply.items[index];
    const Reply& score = reply.items[index + 1];
    if (name.kind != Reply::Kind::text || score.kind != Reply::Kind::text) return not_a("ZRANGEBYSCORE");
    Entry entry{.name = name.text};
    const char* end = score.text.data() + score.text.size();
    const auto [rest, error] = std::from_chars(score.text.data(), end, entry.score);
    if (error != std::errc{} || rest != end) return not_a("ZRANGEBYSCORE");
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::int64_t> read_integer(const Reply& reply) {
  if (reply.kind != Reply::Kind::integer) return not_a("a command that counts");
  return reply.integer;
}

Result<WallTime> read_time(const Reply& reply) {
  const auto part = [&](std::size_t index) -> std::optional<std::int64_t> {
    if (reply.kind != Reply::Kind::array || reply.items.size() != 2) return std::nullopt;
    const std::string& text = reply.items[index].text;
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || rest != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
  };
  const auto seconds = part(0);
  const auto fraction = part(1);
  constexpr std::int64_t kEndOfTime = 9'000'000'000;  // of the nanoseconds that the clock counts
  if (!seconds || !fraction || *seconds > kEndOfTime || *fraction >= 1'000'000) return not_a("TIME");
  return WallTime(std::chrono::seconds(*seconds) + std::chrono::microseconds(*fraction));
}

std::chrono::microseconds clock_error(WallTime before, WallTime after, WallTime other) noexcept {
  using std::chrono::floor;
  using std::chrono::microseconds;
  if (other < before) return floor<microseconds>(before - other);
  if (other > after) return floor<microseconds>(after - other);
  return microseconds(0);
}

std::chrono::seconds oldest_score(WallTime now, std::chrono::milliseconds period) noexcept {
  return std::chrono::floor<std::chrono::seconds>(now.time_since_epoch() - period);
}

}  // namespace nodepool::go_dispatch
