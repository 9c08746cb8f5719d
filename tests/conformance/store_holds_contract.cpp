#include <gmock/gmock.h>

#include <algorithm>

#include "conformance/store_contract.hpp"

namespace nodepool::conformance {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST_P(StoreContract, ShowsTheHoldsOfOthersAndNotOnesOwn) {
  Peer owner = peer("owner");
  Peer holder = peer("holder");
  settle({&owner, &holder});
  holder.request.held = {"alpha", "beta"};
  EXPECT_THAT(holder.sync().holds_of_others, IsEmpty());
  EXPECT_THAT(owner.sync().holds_of_others,
              ElementsAre(Hold{holder.id(), "alpha"}, Hold{holder.id(), "beta"}));
  EXPECT_EQ(owner.request.known, holder.request.known) << "holds make no new view";
}

TEST_P(StoreContract, ReplacesHoldsByTheNewestListUntilNoneAreLeft) {
  Peer owner = peer("owner");
  Peer holder = peer("holder");
  settle({&owner, &holder});
  holder.request.held = {"alpha", "beta"};
  holder.sync();
  holder.request.held = {"beta", "gamma"};
  holder.sync();
  EXPECT_THAT(owner.sync().holds_of_others,
              ElementsAre(Hold{holder.id(), "beta"}, Hold{holder.id(), "gamma"}));
  holder.request.held = {};
  holder.sync();
  EXPECT_THAT(owner.sync().holds_of_others, IsEmpty());
}

TEST_P(StoreContract, OrdersTheHoldsOfSeveralNodes) {
  Peer owner = peer("owner");
  Peer one = peer("one");
  Peer two = peer("two");
  settle({&owner, &one, &two});
  two.request.held = {"alpha", "delta"};
  two.sync();
  one.request.held = {"beta"};
  one.sync();
  const auto holds = owner.sync().holds_of_others;
  EXPECT_THAT(holds,
              UnorderedElementsAre(Hold{one.id(), "beta"}, Hold{two.id(), "alpha"}, Hold{two.id(), "delta"}));
  EXPECT_TRUE(std::ranges::is_sorted(holds));
}

TEST_P(StoreContract, IgnoresHoldsAtAdmissionAndTakesThemWithTheAcknowledgement) {
  Peer owner = peer("owner");
  settle({&owner});
  Peer joiner = peer("joiner");
  joiner.request.held = {"from an earlier life"};
  joiner.sync();
  EXPECT_THAT(owner.sync().holds_of_others, IsEmpty());
  joiner.sync();
  EXPECT_THAT(owner.sync().holds_of_others, ElementsAre(Hold{joiner.id(), "from an earlier life"}));
}

TEST_P(StoreContract, ForgetsTheHoldsOfANodeThatLeaves) {
  Peer owner = peer("owner");
  Peer holder = peer("holder");
  settle({&owner, &holder});
  holder.request.held = {"job"};
  holder.sync();
  EXPECT_THAT(owner.sync().holds_of_others, ElementsAre(Hold{holder.id(), "job"}));
  holder.leave();
  EXPECT_THAT(owner.sync().holds_of_others, IsEmpty());
}

TEST_P(StoreContract, ForgetsTheHoldsOfANodeThatIsEvicted) {
  Peer owner = peer("owner", short_lease());
  Peer holder = peer("holder", short_lease());
  settle({&owner, &holder});
  holder.request.held = {"job"};
  holder.sync();
  EXPECT_THAT(owner.sync().holds_of_others, ElementsAre(Hold{holder.id(), "job"}));
  const SyncReply evicted =
      owner.sync_until([](const SyncReply& reply) { return reply.members && reply.members->size() == 1; });
  EXPECT_THAT(evicted.holds_of_others, IsEmpty());
}

TEST_P(StoreContract, KeepsHoldsOverAChangeOfTheView) {
  Peer owner = peer("owner");
  Peer holder = peer("holder");
  settle({&owner, &holder});
  holder.request.held = {"job"};
  holder.sync();
  Peer third = peer("third");
  EXPECT_THAT(third.sync().holds_of_others, ElementsAre(Hold{holder.id(), "job"}));
  EXPECT_THAT(owner.sync().holds_of_others, ElementsAre(Hold{holder.id(), "job"}));
}

TEST_P(StoreContract, CarriesJobsWithOddNames) {
  Peer owner = peer("owner");
  Peer holder = peer("holder");
  settle({&owner, &holder});
  holder.request.held = {
      " ", "%s {}", "'; DROP TABLE pools; --", "[\"a\",null]", "a:b/c\\d", "n\u00e4chtlich \u263e"};
  holder.sync();
  std::vector<Hold> expected;
  for (const std::string& job : holder.request.held) expected.push_back({holder.id(), job});
  EXPECT_EQ(owner.sync().holds_of_others, expected);
}

}  // namespace
}  // namespace nodepool::conformance
