#include "fuzz/reply_text.hpp"

#include <charconv>
#include <string>

namespace nodepool::fuzz {
namespace {

using redis::Reply;

constexpr int kDeepest = 8;

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(line.size() < text.size() ? line.size() + 1 : line.size());
  return line;
}

std::string unescaped(std::string_view line) {
  std::string text;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const bool is_end = line.substr(at, 2) == "\\n";
    text += is_end ? '\n' : line[at];
    at += is_end ? 1 : 0;
  }
  return text;
}

Reply item_from(std::string_view line) {
  Reply item;
  if (line.starts_with('"') || line.starts_with('-')) {
    item.kind = line.front() == '"' ? Reply::Kind::text : Reply::Kind::error;
    item.text = unescaped(line.substr(1));
  } else if (line.starts_with(':')) {
    item.kind = Reply::Kind::integer;
    std::from_chars(line.data() + 1, line.data() + line.size(), item.integer);
  }
  return item;
}

Reply array_from(std::string_view& text, int depth) {
  Reply array{.kind = Reply::Kind::array};
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line == "]") break;
    const bool opens = line == "[" && depth < kDeepest;
    array.items.push_back(opens ? array_from(text, depth + 1) : item_from(line));
  }
  return array;
}

}  // namespace

Reply reply_from(std::string_view text) {
  return array_from(text, 0);
}

}  // namespace nodepool::fuzz
