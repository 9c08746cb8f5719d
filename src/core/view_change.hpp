#pragma once

#include <vector>

#include "nodepool/driver.hpp"

namespace nodepool {

/// Ascending by (name, id), as members are in views.
NODEPOOL_EXPORT void sort_members(std::vector<NodeInfo>& members);

/// The members after the change. REQUIRES: `members` are those of `change.base`, ascending by (name, id).
/// Linear in the members.
[[nodiscard]] NODEPOOL_EXPORT std::vector<NodeInfo> changed_members(const std::vector<NodeInfo>& members,
                                                                    const ViewChange& change);

/// One change with the effect of all. REQUIRES: oldest first, each applies to what the one before it led to.
/// The base is the first one's.
[[nodiscard]] NODEPOOL_EXPORT ViewChange merged(const std::vector<ViewChange>& changes);

}  // namespace nodepool
