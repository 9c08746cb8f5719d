#include <gtest/gtest.h>

#include "cli/parts/clock_text.hpp"
#include "cli/parts/job_watch.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::cli;

const Teller kWatcher{"web-1", "id"};

constexpr int kLease = 1000;

WallTime at(int time) {
  return from_unix_ns(time);
}
MonotonicTime boot(int time) {
  return MonotonicTime(std::chrono::nanoseconds(time));
}

/// Checks made between two instants; a yes is good for a lease.
Check yes(std::uint64_t token, int before, int after) {
  return {{Reason::owner, FencingToken{token}, boot(before + kLease)}, at(before), at(after), boot(after)};
}
Check no(Reason reason, int before, int after) {
  return {{reason, {}, {}}, at(before), at(after), boot(after)};
}

TEST(CliJobWatch, TellsOnlyChanges) {
  JobWatch watch({"job"});
  EXPECT_EQ(watch.observe(0, no(Reason::joining, 1, 2), kWatcher).size(), 0U);
  EXPECT_EQ(watch.observe(0, yes(5, 3, 4), kWatcher).size(), 1U);
  EXPECT_EQ(watch.observe(0, yes(5, 5, 6), kWatcher).size(), 0U);
  EXPECT_EQ(watch.observe(0, no(Reason::not_owner, 7, 8), kWatcher).size(), 1U);
  EXPECT_EQ(watch.observe(0, no(Reason::stopped, 9, 10), kWatcher).size(), 0U);
}

TEST(CliJobWatch, WhatItTellsLiesInsideWhatWasSaid) {
  JobWatch watch({"job"});
  EXPECT_EQ(watch.observe(0, yes(5, 10, 20), kWatcher),
            std::vector<Event>{(GrantedEvent{at(20), "job", FencingToken{5}, kWatcher})});
  EXPECT_TRUE(watch.observe(0, yes(6, 30, 40), kWatcher).empty());
  EXPECT_EQ(watch.observe(0, no(Reason::lease_lost, 50, 60), kWatcher),
            std::vector<Event>{
                (RevokedEvent{at(60), "job", at(30), RevokeReason::lease_lost, FencingToken{6}, kWatcher})});
}

TEST(CliJobWatch, AYesReachesNoFartherThanItsLeaseIfNobodyLooked) {
  JobWatch watch({"job"});
  EXPECT_EQ(watch.observe(0, yes(5, 10, 20), kWatcher).size(), 1U);
  EXPECT_TRUE(watch.observe(0, yes(5, 1000, 1010), kWatcher).empty()) << "the lease was not over yet";
  EXPECT_EQ(watch.observe(0, yes(9, 3000, 3010), kWatcher),
            (std::vector<Event>{
                RevokedEvent{at(3010), "job", at(1000), RevokeReason::lease_lost, FencingToken{5}, kWatcher},
                GrantedEvent{at(3010), "job", FencingToken{9}, kWatcher}}))
      << "frozen, evicted, and admitted again before it was asked again";
}

TEST(CliJobWatch, AJobThatIsOtherPeoplesAfterALostLeaseWasLostByTheLease) {
  JobWatch watch({"job"});
  EXPECT_EQ(watch.observe(0, yes(5, 10, 20), kWatcher).size(), 1U);
  const auto events = watch.observe(0, no(Reason::not_owner, 3000, 3010), kWatcher);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(std::get<RevokedEvent>(events[0]).reason, RevokeReason::lease_lost);
}

TEST(CliJobWatch, WatchesEachJobOnceInTheOrderGiven) {
  const JobWatch watch({"b", "a", "b", "c", "a"});
  ASSERT_EQ(watch.size(), 3U);
  EXPECT_EQ(watch.job(0), "b");
  EXPECT_EQ(watch.job(1), "a");
  EXPECT_EQ(watch.job(2), "c");
}

}  // namespace
