#pragma once

#include <string_view>

#include "driver/redis/resp_codec.hpp"

namespace nodepool::fuzz {

/// A server's answer, written so that a mutated text is still one. A line is an item: `"text` (with `\n` for
/// a line's end), `:number`, `-error`, `[` and `]` around the items of an array, everything else nothing.
/// The answer is the array of all lines.
redis::Reply reply_from(std::string_view text);

}  // namespace nodepool::fuzz
