#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/result.hpp"

namespace nodepool::redis {

/// What a server answers (RESP2).
struct Reply {
  enum class Kind { nil, integer, text, error, array };
  Kind kind = Kind::nil;
  std::int64_t integer = 0;  ///< Of an integer.
  std::string text;          ///< Of a text, a status or an error.
  std::vector<Reply> items;  ///< Of an array.
  bool operator==(const Reply&) const = default;
};

/// No reply of ours comes near these; what exceeds them is an attack or a different protocol.
inline constexpr std::size_t kMaxReplyBytes = std::size_t{64} << 20U;
inline constexpr std::size_t kMaxReplyItems = std::size_t{1} << 20U;

/// The bytes of a command. Arguments may hold any bytes.
std::string encode_command(const std::vector<std::string>& arguments);

/// Turns received bytes into replies, however the bytes are cut. Does no I/O. After an error the reader is of
/// no more use, and neither is the connection. The only file that sees the client library is resp_codec.cpp.
class ReplyReader {
 public:
  ReplyReader();
  ~ReplyReader();
  ReplyReader(ReplyReader&&) noexcept;
  ReplyReader& operator=(ReplyReader&&) noexcept;
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  /// Takes received bytes.
  void feed(std::string_view bytes);
  /// The next complete reply, nothing if bytes are missing, or `store_corrupt` if this is not the protocol of
  /// Redis.
  Result<std::optional<Reply>> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nodepool::redis
