#include "driver/redis/cluster_text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>

namespace nodepool::redis {
namespace {

constexpr unsigned kSlots = 16384;
/// What stands for a host name that is to be told but is not set.
constexpr std::string_view kNoHost = "?";

std::uint16_t crc16(std::string_view bytes) noexcept {
  unsigned crc = 0;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(byte)) << 8U;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U;
    crc &= 0xFFFFU;
  }
  return static_cast<std::uint16_t>(crc);
}

std::optional<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc{} || stop != end || port == 0) return std::nullopt;
  return port;
}

/// The word before the first space; the text goes on behind it.
std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

/// The value of a name in the flat list of what else a node tells about itself.
std::string extra_of(const Reply& node, std::string_view name) {
  if (node.items.size() < 4) return {};
  const auto& extras = node.items[3].items;
  for (std::size_t index = 0; index + 1 < extras.size(); index += 2) {
    if (extras[index].text == name) return extras[index + 1].text;
  }
  return {};
}

std::optional<Endpoint> read_node(const Reply& node, const Endpoint& asked) {
  if (node.kind != Reply::Kind::array || node.items.size() < 2) return std::nullopt;
  const Reply& port = node.items[1];
  if (port.kind != Reply::Kind::integer || port.integer <= 0 ||
      port.integer > std::numeric_limits<std::uint16_t>::max())
    return std::nullopt;
  std::string host = node.items[0].text;
  if (host.empty()) host = asked.host;
  if (host == kNoHost) host = extra_of(node, "ip");
  if (host.empty()) return std::nullopt;
  return Endpoint{.host = std::move(host), .port = static_cast<std::uint16_t>(port.integer)};
}

bool is_range(const Reply& range) {
  return range.kind == Reply::Kind::array && range.items.size() >= 2 &&
         range.items[0].kind == Reply::Kind::integer && range.items[1].kind == Reply::Kind::integer;
}

}  // namespace

Slot slot_of(std::string_view key) noexcept {
  const auto open = key.find('{');
  if (open != std::string_view::npos) {
    const auto close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) key = key.substr(open + 1, close - open - 1);
  }
  return crc16(key) % kSlots;
}

std::optional<Redirection> read_redirection(std::string_view text, const Endpoint& asked) {
  const std::string_view word = take_word(text);
  if (word != "MOVED" && word != "ASK") return std::nullopt;
  (void)take_word(text);  // the slot: there is but one that we ask for
  const std::string_view address = take_word(text);
  const auto colon = address.rfind(':');  // an IPv6 address has more of them, and no brackets
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = read_port(address.substr(colon + 1));
  const std::string_view host = address.substr(0, colon);
  if (!port || host == kNoHost) return std::nullopt;
  return Redirection{word == "ASK" ? Redirection::Kind::ask : Redirection::Kind::moved,
                     {.host = host.empty() ? asked.host : std::string(host), .port = *port}};
}

bool is_between_servers(std::string_view text) noexcept {
  return text.starts_with("TRYAGAIN");
}

std::optional<ClusterNodes> read_cluster_slots(const Reply& reply, Slot slot, const Endpoint& asked) {
  if (reply.kind != Reply::Kind::array) return std::nullopt;
  ClusterNodes nodes;
  for (const Reply& range : reply.items) {
    if (!is_range(range)) return std::nullopt;
    const bool has_slot = range.items[0].integer <= slot && slot <= range.items[1].integer;
    for (std::size_t index = 2; index < range.items.size(); ++index) {
      auto node = read_node(range.items[index], asked);
      if (!node) continue;
      if (has_slot && index == 2) {  // the master comes first
        nodes.owner = std::move(*node);
      } else if (nodes.others.size() < kMostNodes &&
                 std::ranges::find(nodes.others, *node) == nodes.others.end()) {
        nodes.others.push_back(std::move(*node));
      }
    }
  }
  if (nodes.owner) std::erase(nodes.others, *nodes.owner);
  return nodes;
}

}  // namespace nodepool::redis
