#include "core/standing.hpp"

#include <gtest/gtest.h>

#include "support/node_dialogue.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::job_where;

NodeInfo member(const std::string& id, const std::string& name, bool draining = false) {
  return {.id = NodeId(id), .name = NodeName(name), .draining = draining};
}

AdoptedView view_of(std::vector<NodeInfo> members, const std::string& self) {
  return adopt_view({"l", {9}, "v"}, std::move(members), NodeId(self), {}, nullptr, at(1s)).value();
}

Standing steady_standing() {
  Standing standing{.state = NodeState::steady, .settled = true};
  auto view = std::make_shared<AdoptedView>(view_of({member("1", "a"), member("2", "b")}, "1"));
  standing.granted = view->owned;
  standing.view = std::move(view);
  standing.lease = std::make_shared<LeaseTerm>(at(10s));
  return standing;
}

const std::string kMine = job_where({{{"a", "b"}, "a"}});
const std::string kOther = job_where({{{"a", "b"}, "b"}});

TEST(Decide, AYesCarriesTheTokenAndTheLeasesEnd) {
  const Decision yes = decide(steady_standing(), kMine, at(9s));
  EXPECT_TRUE(yes);
  EXPECT_EQ(yes.token, FencingToken{9});
  EXPECT_EQ(yes.valid_until, at(10s));
}

TEST(Decide, NeverYesAtOrAfterTheLeasesEnd) {
  EXPECT_TRUE(decide(steady_standing(), kMine, at(10s - 1ns)));
  EXPECT_EQ(decide(steady_standing(), kMine, at(10s)).reason, Reason::lease_lost);
  EXPECT_EQ(decide(steady_standing(), kMine, MonotonicTime::max()).reason, Reason::lease_lost);
}

TEST(Decide, AnOldStandingSaysNoEvenWhenThereIsANewTerm) {
  const auto old_term = std::make_shared<LeaseTerm>(at(10s));
  Standing old_standing = steady_standing();
  old_standing.lease = old_term;
  old_term->finish();
  Standing new_standing = old_standing;
  new_standing.lease = std::make_shared<LeaseTerm>(at(20s));
  EXPECT_EQ(decide(old_standing, kMine, at(1s)).reason, Reason::lease_lost);
  EXPECT_TRUE(decide(new_standing, kMine, at(1s)));
}

TEST(Decide, EveryStateHasItsReason) {
  Standing standing = steady_standing();
  EXPECT_EQ(decide(standing, kOther, at(1s)).reason, Reason::not_owner);
  standing.held_by_others = {kMine};
  EXPECT_EQ(decide(standing, kMine, at(1s)).reason, Reason::held_by_other);
  standing = steady_standing();
  standing.granted = {};
  for (const auto& [state, reason] :
       {std::pair(NodeState::joining, Reason::joining), std::pair(NodeState::upgrading, Reason::settling),
        std::pair(NodeState::steady, Reason::settling), std::pair(NodeState::draining, Reason::draining),
        std::pair(NodeState::suspended, Reason::lease_lost),
        std::pair(NodeState::stopped, Reason::stopped)}) {
    standing.state = state;
    EXPECT_EQ(decide(standing, kMine, at(1s)).reason, reason) << to_string(state);
  }
}

JobKey key_of(const std::string& job) {
  return {job, hash_key(job)};
}

TEST(MayRun, SaysWhatADecisionSays) {
  Standing standing = steady_standing();
  for (int number = 0; number < 300; ++number) {
    const std::string job = "job" + std::to_string(number);
    standing.held_by_others.clear();
    if (number % 3 == 0) standing.held_by_others = {job};
    for (const auto now : {at(1s), at(10s - 1ns), at(10s)}) {
      const auto clock = [now] { return now; };
      EXPECT_EQ(may_run(standing, key_of(job), clock), static_cast<bool>(decide(standing, job, now))) << job;
      EXPECT_EQ(decide(standing, key_of(job), clock).reason, decide(standing, job, now).reason) << job;
    }
  }
}

TEST(MayRun, ANoThatNeedsNoClockReadsNone) {
  Standing standing = steady_standing();
  int reads = 0;
  const auto clock = [&reads] {
    ++reads;
    return at(1s);
  };
  EXPECT_FALSE(may_run(standing, key_of(kOther), clock));
  EXPECT_FALSE(may_run(Standing{}, key_of(kMine), clock));
  standing.held_by_others = {kMine};
  EXPECT_FALSE(may_run(standing, key_of(kMine), clock));
  EXPECT_EQ(reads, 0);
  standing.held_by_others.clear();
  EXPECT_TRUE(may_run(standing, key_of(kMine), clock));
  EXPECT_EQ(reads, 1);
}

TEST(MayRun, WhoSleptOverTheEndOfTheTermLearnsOfIt) {
  Standing standing = steady_standing();
  const auto term = std::make_shared<LeaseTerm>(at(10s));
  standing.lease = term;
  const auto sleeps_while_the_node_leaves = [&term] {
    term->finish();
    return at(1s);
  };
  EXPECT_FALSE(may_run(standing, key_of(kMine), sleeps_while_the_node_leaves));
  EXPECT_EQ(decide(standing, key_of(kMine), sleeps_while_the_node_leaves).reason, Reason::lease_lost);
}

TEST(MayRun, WhoSleptOverARenewalIsStillGranted) {
  Standing standing = steady_standing();
  const auto term = std::make_shared<LeaseTerm>(at(10s));
  standing.lease = term;
  const auto sleeps_while_the_lease_is_renewed = [&term] {
    term->extend(at(20s));
    return at(11s);
  };
  EXPECT_TRUE(may_run(standing, key_of(kMine), sleeps_while_the_lease_is_renewed));
}

TEST(Decide, AnswersForAnyBytes) {
  EXPECT_EQ(decide(Standing{}, std::string("\0\xff\n", 3), at(1s)).reason, Reason::stopped);
  EXPECT_NO_THROW(static_cast<void>(decide(steady_standing(), std::string(100'000, '\xff'), at(1s))));
}

TEST(LeaseTerm, AnEarlierEndDoesNotShortenIt) {
  LeaseTerm term(at(10s));
  term.extend(at(5s));
  EXPECT_EQ(term.end(), at(10s));
  term.extend(at(11s));
  EXPECT_EQ(term.end(), at(11s));
}

TEST(AdoptedView, WhoDrainsIsAMemberButNotOnTheRing) {
  const AdoptedView view = view_of({member("1", "a", true), member("2", "b")}, "1");
  EXPECT_TRUE(view.owned.empty());
  EXPECT_EQ(view.owner("any job")->name, NodeName("b"));
  EXPECT_EQ(view.members.size(), 2U);
}

TEST(AdoptedView, WhenAllDrainNobodyOwnsAnything) {
  EXPECT_EQ(view_of({member("1", "a", true)}, "1").owner("job"), nullptr);
}

TEST(AdoptedView, OfTwoWithOneNameTheSmallerIdThatDoesNotDrainHasThePlace) {
  const AdoptedView both = view_of({member("1", "a"), member("2", "a")}, "2");
  EXPECT_TRUE(both.name_shared);
  EXPECT_TRUE(both.owned.empty());
  EXPECT_EQ(both.owner("job")->id, NodeId("1"));
  const AdoptedView one_drains = view_of({member("1", "a", true), member("2", "a")}, "2");
  EXPECT_FALSE(one_drains.owned.empty());
  EXPECT_EQ(one_drains.owner("job")->id, NodeId("2"));
}

TEST(AdoptedView, MembersDivideAllJobsAmongThem) {
  const std::vector<NodeInfo> members{member("1", "a"), member("2", "b"), member("3", "c")};
  for (int number = 0; number < 500; ++number) {
    const std::string job = "job" + std::to_string(number);
    int owners = 0;
    for (const NodeInfo& self : members) {
      owners += view_of(members, self.id.str()).owned.contains(hash_key(job)) ? 1 : 0;
    }
    EXPECT_EQ(owners, 1) << job;
  }
}

}  // namespace
}  // namespace nodepool
