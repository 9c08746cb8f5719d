#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/driver.hpp"

/// The texts in which sync.lua keeps the steps from view to view and tells what has happened. No I/O.

namespace nodepool::redis {

/// The lines of a text, the last one with or without its end.
std::vector<std::string> split_lines(std::string_view joined);

/// The remembered steps of a lineage, newest first, as one change. `store_corrupt` if one is unreadable.
Result<ViewChange> decode_steps(const std::string& lineage, const std::vector<std::string>& newest_first);

/// A published hint and whose doing it was; nothing if the text is none. A detail that is unreadable is left
/// out.
struct PublishedHint {
  Hint hint;
  NodeId node;
};
std::optional<PublishedHint> read_hint(std::string_view text);

}  // namespace nodepool::redis
