#pragma once

#include <utility>
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
    if (reply.change && reply.change->base == view_) reply.members = changed_members(members_, *reply.change);
    if (!reply.members) return;
    view_ = reply.view;
    members_ = *reply.members;
  }

 private:
  ViewStamp view_;
  std::vector<NodeInfo> members_;
};

}  // namespace nodepool::test
