#include <gmock/gmock.h>

#include "conformance/store_contract.hpp"

/// R3 and R4: what a store must do when a caller knows more than the store, and how epochs grow.

namespace nodepool::conformance {
namespace {

using namespace std::chrono_literals;

/// The stored view and the reply to a caller that knows something the store does not.
void expect_barrier(Peer& member, Peer& caller, const ViewStamp& known) {
  const Epoch before = member.request.known.epoch;
  caller.request.known = known;
  const SyncReply reply = caller.sync();
  EXPECT_EQ(reply.view.lineage, member.request.known.lineage);
  EXPECT_GT(reply.view.epoch, before);
  EXPECT_GT(reply.view.epoch, known.epoch);
  EXPECT_EQ(reply.view.view_id, caller.request.nonce);
  EXPECT_FALSE(reply.settled);
  EXPECT_EQ(reply.barrier_left, std::chrono::microseconds(short_lease().lease));
  ASSERT_TRUE(reply.members);
  EXPECT_EQ(reply.members->size(), 2U);

  const SyncReply settled = member.sync_until([&](const SyncReply& each) {
    const SyncReply other = caller.sync();
    EXPECT_FALSE(other.settled && other.barrier_left > 0us) << "settled behind a barrier";
    return each.settled;
  });
  EXPECT_GE(settled.pool_clock, reply.pool_clock + reply.barrier_left) << "the barrier was not waited for";
  EXPECT_EQ(settled.view, reply.view);
}

TEST_P(StoreContract, StartsABarrierForACallerOfAnotherLineage) {
  Peer member = peer("member", short_lease());
  settle({&member});
  Peer caller = peer("caller", short_lease());
  expect_barrier(member, caller, {"another lineage", Epoch{5}, "another view"});
}

TEST_P(StoreContract, StartsABarrierForACallerFromAGreaterEpoch) {
  Peer member = peer("member", short_lease());
  settle({&member});
  Peer caller = peer("caller", short_lease());
  ViewStamp known = member.request.known;
  known.epoch.value += 10;
  known.view_id = "from the future";
  expect_barrier(member, caller, known);
}

TEST_P(StoreContract, StartsABarrierForACallerWithAnotherViewOfTheSameEpoch) {
  Peer member = peer("member", short_lease());
  settle({&member});
  Peer caller = peer("caller", short_lease());
  ViewStamp known = member.request.known;
  known.view_id = "a twin";
  expect_barrier(member, caller, known);
}

TEST_P(StoreContract, StartsABarrierWhenAMemberKnowsMoreThanTheStore) {
  Peer first = peer("first", short_lease());
  Peer second = peer("second", short_lease());
  settle({&first, &second});
  ViewStamp known = first.request.known;
  known.epoch.value += 1;
  known.view_id = "lost by the store";
  expect_barrier(first, second, known);
}

TEST_P(StoreContract, StartsNoBarrierForACallerWithAnOlderViewOfTheLineage) {
  Peer first = peer("first");
  settle({&first});
  const ViewStamp old = first.request.known;
  Peer second = peer("second");
  settle({&first, &second});
  const ViewStamp present = first.request.known;
  second.request.known = old;
  const SyncReply reply = second.sync();
  EXPECT_EQ(reply.view, present);
  EXPECT_EQ(reply.barrier_left, 0us);
}

TEST_P(StoreContract, KeepsTheBarrierOverLaterChangesOfTheView) {
  Peer member = peer("member", long_lease());
  member.sync();
  Peer caller = peer("caller", long_lease());
  caller.request.known = {"another lineage", Epoch{5}, "another view"};
  EXPECT_GT(caller.sync().barrier_left, 0us);
  Peer third = peer("third", long_lease());
  const SyncReply joined = third.sync();
  EXPECT_GT(joined.barrier_left, 0us);
  for (Peer* each : {&member, &caller, &third, &member, &caller, &third}) {
    const SyncReply reply = each->sync();
    EXPECT_EQ(reply.view, joined.view);
    EXPECT_FALSE(reply.settled) << "all have acknowledged, but old leases may be about";
  }
}

TEST_P(StoreContract, SaysWhenTheBarrierEndsOnceItIsNear) {
  Peer member = peer("member", short_lease());
  Peer caller = peer("caller", short_lease());
  settle({&member});
  caller.request.known = {"another lineage", Epoch{5}, "another view"};
  caller.sync();
  caller.sync_until([&](const SyncReply& reply) {
    if (reply.barrier_left == 0us) return true;
    const bool near = reply.barrier_left <= short_lease().heartbeat;
    EXPECT_EQ(reply.look_again_in, near ? std::optional(reply.barrier_left) : std::nullopt);
    member.sync();
    return false;
  });
}

TEST_P(StoreContract, LetsEpochsOnlyGrow) {
  Peer stayer = peer("stayer");
  Epoch last = stayer.sync().view.epoch;
  for (int round = 0; round < 3; ++round) {
    Peer guest = peer("guest");
    const Epoch joined = guest.sync().view.epoch;
    EXPECT_GT(joined, last);
    const Epoch left = guest.leave().view.epoch;
    EXPECT_GT(left, joined);
    last = left;
  }
  const Epoch alone = stayer.leave().view.epoch;
  EXPECT_GT(alone, last);
  EXPECT_GT(peer("heir").sync().view.epoch, alone) << "an empty pool still knows its epoch";
}

TEST_P(StoreContract, StartsEpochsAtTheCivilTimeSoThatTheyOutgrowThoseOfALostStore) {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  EXPECT_GE(peer("first").sync().view.epoch.value, static_cast<std::uint64_t>(seconds.count()));
}

}  // namespace
}  // namespace nodepool::conformance
