#include <gmock/gmock.h>

#include <optional>

#include "conformance/store_contract.hpp"

namespace nodepool::conformance {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Optional;

/// What the store says that is left of the member's lease; the pool's clock stands still meanwhile.
std::chrono::microseconds lease_left(Peer& observer, const Peer& member) {
  const auto status = observer.session().status(soon());
  if (status) {
    for (const MemberStatus& each : status->members) {
      if (each.info.id == member.id()) return each.lease_left;
    }
  }
  ADD_FAILURE() << "the member is not there";
  return {};
}

TEST_P(StoreContract, AdmitsTheFirstNodeAndSaysWhetherThereIsABarrier) {
  Peer first = peer("first");
  const SyncReply reply = first.sync();
  EXPECT_FALSE(reply.view.lineage.empty());
  EXPECT_EQ(reply.view.view_id, first.request.nonce);
  EXPECT_GT(reply.view.epoch.value, 0U);
  EXPECT_THAT(reply.members, Optional(ElementsAre(first.request.node)));
  EXPECT_FALSE(reply.settled);
  EXPECT_FALSE(reply.drain_requested);
  EXPECT_TRUE(reply.holds_of_others.empty());
  EXPECT_EQ(reply.barrier_left > 0us, store_->first_pool_is_behind_barrier());
}

TEST_P(StoreContract, SettlesWithTheAcknowledgementOfTheOnlyMember) {
  Peer only = peer("only", short_lease());
  const SyncReply joined = only.sync();
  const SyncReply settled = only.sync_until([](const SyncReply& reply) { return reply.settled; });
  EXPECT_EQ(settled.view, joined.view);
  EXPECT_EQ(settled.barrier_left, 0us);
  EXPECT_GE(settled.pool_clock, joined.pool_clock + joined.barrier_left);
}

TEST_P(StoreContract, SendsMembersOnlyToWhoKnowsAnotherView) {
  Peer first = peer("first");
  const SyncReply joined = first.sync();
  EXPECT_TRUE(joined.members.has_value());
  EXPECT_FALSE(first.sync().members.has_value());
  Peer second = peer("second");
  EXPECT_THAT(second.sync().members, Optional(ElementsAre(first.request.node, second.request.node)));
  const SyncReply told = first.sync();
  EXPECT_THAT(told.members, Optional(ElementsAre(first.request.node, second.request.node)));
  EXPECT_FALSE(first.sync().members.has_value());
  first.request.known = joined.view;
  EXPECT_THAT(first.sync().members, Optional(ElementsAre(first.request.node, second.request.node)));
}

TEST_P(StoreContract, BumpsTheViewForAJoinerAndSettlesWhenAllHaveAcknowledged) {
  Peer first = peer("first");
  settle({&first});
  const ViewStamp before = first.request.known;
  Peer second = peer("second");
  const SyncReply joined = second.sync();
  EXPECT_EQ(joined.view.lineage, before.lineage);
  EXPECT_GT(joined.view.epoch, before.epoch);
  EXPECT_NE(joined.view.view_id, before.view_id);
  EXPECT_EQ(joined.barrier_left, 0us);

  EXPECT_FALSE(second.sync().settled) << "the first member has not acknowledged yet";
  EXPECT_FALSE(first.sync().settled) << "it learns of the view just now";
  const SyncReply acknowledged = first.sync();
  EXPECT_TRUE(acknowledged.settled);
  EXPECT_EQ(acknowledged.view, joined.view);
  EXPECT_TRUE(second.sync().settled);
}

TEST_P(StoreContract, KeepsTheViewWhileNothingChanges) {
  Peer first = peer("first");
  Peer second = peer("second");
  settle({&first, &second});
  const ViewStamp view = first.request.known;
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(first.sync().view, view);
    EXPECT_EQ(second.sync().view, view);
  }
}

TEST_P(StoreContract, RemovesALeavingNodeAtOnceAndOthersSettleWithoutIt) {
  Peer first = peer("first");
  Peer second = peer("second");
  settle({&first, &second});
  const ViewStamp before = first.request.known;
  const SyncReply left = second.leave();
  EXPECT_GT(left.view.epoch, before.epoch);
  const SyncReply told = first.sync();
  EXPECT_EQ(told.view, left.view);
  EXPECT_THAT(told.members, Optional(ElementsAre(first.request.node)));
  EXPECT_TRUE(first.sync().settled);
}

TEST_P(StoreContract, IgnoresTheLeaveOfAStranger) {
  Peer stranger = peer("stranger");
  stranger.leave();
  EXPECT_EQ(stranger.session().status(soon()).error().code, ErrorCode::not_found);
  Peer member = peer("member");
  settle({&member});
  stranger.leave();
  const SyncReply reply = member.sync();
  EXPECT_EQ(reply.view, member.request.known);
  EXPECT_TRUE(reply.settled);
}

TEST_P(StoreContract, EvictsAMemberWhoseLeaseRanOutAndSaysWhenToLook) {
  Peer live = peer("live", short_lease());
  Peer silent = peer("silent", short_lease());
  settle({&live, &silent});
  const ViewStamp before = live.request.known;
  const SyncReply evicted = live.sync_until([&](const SyncReply& reply) {
    if (reply.view != before) return true;
    const auto left = lease_left(live, silent);
    const bool near = left <= short_lease().heartbeat;
    EXPECT_EQ(reply.look_again_in, near ? std::optional(left) : std::nullopt);
    return false;
  });
  EXPECT_GT(evicted.view.epoch, before.epoch);
  EXPECT_THAT(evicted.members, Optional(ElementsAre(live.request.node)));
  EXPECT_TRUE(live.sync().settled);

  const SyncReply back = silent.sync();
  EXPECT_THAT(back.members, Optional(ElementsAre(live.request.node, silent.request.node)));
  EXPECT_EQ(back.barrier_left, 0us) << "an old view of the same lineage is an ancestor";
}

TEST_P(StoreContract, KeepsAMemberThatRenewsItsLease) {
  Peer first = peer("first", short_lease());
  Peer second = peer("second", short_lease());
  settle({&first, &second});
  const SyncReply start = first.sync();
  first.sync_until([&](const SyncReply& reply) {
    EXPECT_EQ(second.sync().view, start.view);
    EXPECT_EQ(reply.view, start.view);
    return reply.pool_clock > start.pool_clock + 2 * std::chrono::microseconds(short_lease().lease);
  });
}

TEST_P(StoreContract, ListsMembersByNameThenId) {
  Peer late = peer("zebra");
  Peer twin = peer("ant");
  Peer other_twin = peer("ant");
  late.sync();
  twin.sync();
  EXPECT_EQ(ids_of(other_twin.sync()), ids_of({&late, &twin, &other_twin}));
  const auto status = late.session().status(soon());
  ASSERT_TRUE(status);
  std::vector<NodeId> ids;
  for (const MemberStatus& member : status->members) ids.push_back(member.info.id);
  EXPECT_EQ(ids, ids_of({&late, &twin, &other_twin}));
}

TEST_P(StoreContract, MakesANewViewWhenANodeDrains) {
  Peer first = peer("first");
  Peer second = peer("second");
  settle({&first, &second});
  const ViewStamp before = first.request.known;
  second.request.intent = Intent::draining;
  second.request.node.draining = true;
  EXPECT_GT(second.sync().view.epoch, before.epoch);
  const SyncReply told = first.sync();
  ASSERT_TRUE(told.members);
  ASSERT_EQ(told.members->size(), 2U);
  EXPECT_FALSE(told.members->front().draining);
  EXPECT_TRUE(told.members->back().draining);
  settle({&first, &second});
}

TEST_P(StoreContract, MakesANewViewWhenARecordChanges) {
  Peer first = peer("first");
  Peer second = peer("second");
  settle({&first, &second});
  second.request.node.weight = 7;
  second.request.node.address = "10.0.0.2:80";
  second.sync();
  EXPECT_THAT(first.sync().members, Optional(ElementsAre(first.request.node, second.request.node)));
}

TEST_P(StoreContract, ShowsThePoolToAnObserverThatDoesNotJoin) {
  Peer first = peer("first");
  Peer second = peer("second");
  settle({&first, &second});
  second.request.held = {"job"};
  second.sync();
  const auto status = peer("observer").session().status(soon());
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->config, middle_lease());
  EXPECT_EQ(status->view, first.request.known);
  EXPECT_TRUE(status->settled);
  EXPECT_EQ(status->barrier_left, 0us);
  ASSERT_EQ(status->members.size(), 2U);
  for (const MemberStatus& member : status->members) {
    EXPECT_LE(member.lease_left, middle_lease().lease);
    EXPECT_TRUE(member.acknowledged);
    EXPECT_FALSE(member.drain_requested);
  }
  EXPECT_EQ(status->members.front().info, first.request.node);
  EXPECT_TRUE(status->members.front().held.empty());
  EXPECT_EQ(status->members.back().info, second.request.node);
  EXPECT_THAT(status->members.back().held, ElementsAre("job"));
  EXPECT_EQ(first.sync().view, first.request.known) << "an observer changes nothing";
}

TEST_P(StoreContract, KnowsNoServiceThatNobodyHasJoined) {
  Peer observer = peer("observer");
  const auto status = observer.session().status(soon());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::not_found);
  const auto drain = observer.session().request_drain(observer.id(), soon());
  ASSERT_FALSE(drain);
  EXPECT_EQ(drain.error().code, ErrorCode::not_found);
}

TEST_P(StoreContract, DeliversADrainRequestUntilTheMemberIsGone) {
  Peer first = peer("first");
  Peer second = peer("second");
  settle({&first, &second});
  ASSERT_TRUE(peer("operator").session().request_drain(second.id(), soon()));
  EXPECT_FALSE(first.sync().drain_requested);
  EXPECT_TRUE(second.sync().drain_requested);
  EXPECT_TRUE(second.sync().drain_requested);
  const auto status = first.session().status(soon());
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->members.back().drain_requested);
  second.leave();
  EXPECT_FALSE(second.sync().drain_requested) << "it is a new membership";
}

TEST_P(StoreContract, RefusesToDrainWhoIsNoMember) {
  Peer member = peer("member");
  member.sync();
  const auto drain = member.session().request_drain(NodeId("0123456789abcdef0123456789abcdef"), soon());
  ASSERT_FALSE(drain);
  EXPECT_EQ(drain.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace nodepool::conformance
