#pragma once

#include "core/standing.hpp"
#include "nodepool/view.hpp"

namespace nodepool {

/// The adopted view as users see it; empty before the first one.
inline View view_of(const Standing& standing) {
  if (!standing.view) return {};
  return {.stamp = standing.view->stamp, .members = standing.view->members, .settled = standing.settled};
}

}  // namespace nodepool
