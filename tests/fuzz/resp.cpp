#include <cstdint>
#include <optional>

#include "driver/redis/resp_codec.hpp"
#include "fuzz/finding.hpp"
#include "fuzz/targets.hpp"

namespace nodepool::fuzz {
namespace {

using redis::Reply;
using redis::ReplyReader;

struct Outcome {
  std::vector<Reply> replies;
  bool failed = false;
  bool operator==(const Outcome&) const = default;
};

/// Takes what is complete. False once the bytes are no protocol.
bool drain(ReplyReader& reader, Outcome& outcome) {
  while (true) {
    auto reply = reader.next();
    if (!reply) {
      outcome.failed = true;
      expect(reply.error().code == ErrorCode::store_corrupt, "what is no protocol is store_corrupt");
      expect(!reader.next(), "a reader that has failed stays failed");
      return false;
    }
    if (!*reply) return true;
    outcome.replies.push_back(std::move(**reply));
  }
}

Outcome read_whole(std::string_view bytes) {
  ReplyReader reader;
  Outcome outcome;
  reader.feed(bytes);
  drain(reader, outcome);
  return outcome;
}

Outcome read_in_pieces(std::string_view bytes, std::uint32_t seed) {
  ReplyReader reader;
  Outcome outcome;
  while (!bytes.empty()) {
    seed = seed * 1664525U + 1013904223U;
    const std::string_view piece = bytes.substr(0, 1 + (seed >> 24U) % 9);
    bytes.remove_prefix(piece.size());
    reader.feed(piece);
    if (!drain(reader, outcome)) break;
  }
  return outcome;
}

}  // namespace

/// The first byte says how the rest is cut.
void resp(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto seed = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  expect(read_whole(bytes) == read_in_pieces(bytes, seed), "how the bytes are cut changes nothing");
}

}  // namespace nodepool::fuzz
