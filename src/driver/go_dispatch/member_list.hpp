#pragma once

#include <string>
#include <vector>

#include "driver/go_dispatch/entries.hpp"
#include "nodepool/doctor.hpp"

namespace nodepool::go_dispatch {

/// Whose list it is, and how it is read.
struct Reader {
  GoDispatchLayout layout = GoDispatchLayout::key;
  std::chrono::milliseconds period{0};
  std::string group;
  NodeId own_id;
  std::string own_name;
};

/// The members as every Go node counts them: all entries, whatever they are, each once; ascending by (name,
/// id). An entry's id is its name, but for the reader's own. Errors: `unavailable` if the reader itself is
/// missing (it must register again), `store_corrupt` for an entry that cannot stand on a ring.
Result<std::vector<NodeInfo>> members_of(const Reader& reader, std::vector<Entry> entries);

/// What people should know of the list, one sentence each. The same list gives the same sentences: nothing in
/// them counts time.
std::vector<std::string> warnings_of(const Reader& reader, const std::vector<Entry>& entries, WallTime now);

/// The same for people who ask, and what no list can tell.
std::vector<Finding> list_findings(const Reader& reader, const std::vector<Entry>& entries, WallTime now);

}  // namespace nodepool::go_dispatch
