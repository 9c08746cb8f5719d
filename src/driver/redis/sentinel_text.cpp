#include "driver/redis/sentinel_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace nodepool::redis {
namespace {

std::optional<Endpoint> read_endpoint(std::string_view host, std::string_view port) {
  Endpoint endpoint{.host = std::string(host)};
  const char* end = port.data() + port.size();
  const auto [stop, error] = std::from_chars(port.data(), end, endpoint.port);
  if (host.empty() || error != std::errc{} || stop != end || endpoint.port == 0) return std::nullopt;
  return endpoint;
}

}  // namespace

std::optional<Endpoint> read_master_address(const Reply& reply) {
  if (reply.kind != Reply::Kind::array || reply.items.size() != 2) return std::nullopt;
  return read_endpoint(reply.items[0].text, reply.items[1].text);
}

std::optional<Endpoint> read_switch(std::string_view message, std::string_view master_name) {
  std::array<std::string_view, 5> words;
  for (std::string_view& word : words) {
    word = message.substr(0, message.find(' '));
    message.remove_prefix(std::min(word.size() + 1, message.size()));
  }
  if (words[0] != master_name || !message.empty()) return std::nullopt;
  return read_endpoint(words[3], words[4]);
}

}  // namespace nodepool::redis
