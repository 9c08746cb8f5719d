#include <gtest/gtest.h>

#include "cli/parts/clock_text.hpp"
#include "cli/parts/job_watch.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::cli;

const Teller kTeller{"web-1", "id"};

WallTime at(int time) {
  return from_unix_ns(time);
}

Decision yes(std::uint64_t token) {
  return {Reason::owner, FencingToken{token}, {}};
}
Decision no(Reason reason) {
  return {reason, {}, {}};
}

TEST(CliJobWatch, TellsOnlyChanges) {
  JobWatch watch({"job"});
  EXPECT_FALSE(watch.observe(0, no(Reason::joining), at(1), at(2), kTeller));
  EXPECT_TRUE(watch.observe(0, yes(5), at(3), at(4), kTeller));
  EXPECT_FALSE(watch.observe(0, yes(5), at(5), at(6), kTeller));
  EXPECT_TRUE(watch.observe(0, no(Reason::not_owner), at(7), at(8), kTeller));
  EXPECT_FALSE(watch.observe(0, no(Reason::stopped), at(9), at(10), kTeller));
}

TEST(CliJobWatch, WhatItTellsLiesInsideWhatWasSaid) {
  JobWatch watch({"job"});
  const auto granted = watch.observe(0, yes(5), at(10), at(20), kTeller);
  ASSERT_TRUE(granted);
  EXPECT_EQ(std::get<GrantedEvent>(*granted), (GrantedEvent{at(20), "job", FencingToken{5}, kTeller}));
  EXPECT_FALSE(watch.observe(0, yes(6), at(30), at(40), kTeller));
  const auto revoked = watch.observe(0, no(Reason::lease_lost), at(50), at(60), kTeller);
  ASSERT_TRUE(revoked);
  EXPECT_EQ(std::get<RevokedEvent>(*revoked),
            (RevokedEvent{at(60), "job", at(30), RevokeReason::lease_lost, FencingToken{6}, kTeller}));
}

TEST(CliJobWatch, WatchesEachJobOnceInTheOrderGiven) {
  const JobWatch watch({"b", "a", "b", "c", "a"});
  ASSERT_EQ(watch.size(), 3U);
  EXPECT_EQ(watch.job(0), "b");
  EXPECT_EQ(watch.job(1), "a");
  EXPECT_EQ(watch.job(2), "c");
}

}  // namespace
