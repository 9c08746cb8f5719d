#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/view_change.hpp"
#include "nodepool/driver.hpp"

namespace nodepool::test {

/// The members as one caller of a store has learnt them, so that a test need not care whether a reply brought
/// all of them or a difference.
class Membership {
 public:
  /// Puts all members into a reply that brings only the difference from the view this caller knows.
  void complete(SyncReply& reply) {
    if (reply.change) {
      const auto base = views_.find(reply.change->base.view_id);
      if (base != views_.end()) reply.members = changed_members(base->second, *reply.change);
    }
    if (reply.members) views_[reply.view.view_id] = *reply.members;
  }

 private:
  std::map<std::string, std::vector<NodeInfo>> views_;  ///< By view id.
};

}  // namespace nodepool::test
