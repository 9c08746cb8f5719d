#include "core/claims.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace nodepool {
namespace {

using Serials = std::vector<ClaimLedger::Serial>;
using Jobs = std::vector<std::string>;

const ArcSet kEverything({{0, std::numeric_limits<std::uint64_t>::max()}});
const ArcSet kNothing;

/// All hashes but that of one job.
ArcSet all_but(std::string_view job) {
  const std::uint64_t hash = hash_key(job);
  return ArcSet({{0, hash - 1}, {hash + 1, std::numeric_limits<std::uint64_t>::max()}});
}

TEST(ClaimLedger, OneClaimOfAJobAtATime) {
  ClaimLedger ledger;
  const auto first = ledger.add("job");
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(ledger.add("job").has_value());
  EXPECT_TRUE(ledger.add("other").has_value());
  ledger.remove("job", *first);
  const auto second = ledger.add("job");
  ASSERT_TRUE(second.has_value());
  EXPECT_NE(*first, *second);
}

TEST(ClaimLedger, ALateReleaseCannotEndTheNextClaimOfTheJob) {
  ClaimLedger ledger;
  const auto first = ledger.add("job");
  ledger.remove("job", *first);
  static_cast<void>(ledger.add("job"));
  EXPECT_FALSE(ledger.remove("job", *first));
  EXPECT_EQ(ledger.size(), 1U);
}

TEST(ClaimLedger, HeldIsWhatTheViewGivesToOthersAscending) {
  ClaimLedger ledger;
  static_cast<void>(ledger.add("b"));
  static_cast<void>(ledger.add("a"));
  EXPECT_EQ(ledger.held(kEverything), Jobs{});
  EXPECT_EQ(ledger.held(kNothing), (Jobs{"a", "b"}));
  EXPECT_EQ(ledger.held(all_but("b")), Jobs{"b"});
}

TEST(ClaimLedger, AClaimIsAskedToHandOverOnce) {
  ClaimLedger ledger;
  const auto a = ledger.add("a");
  const auto b = ledger.add("b");
  EXPECT_EQ(ledger.ask_to_hand_over(all_but("b")), Serials{*b});
  EXPECT_EQ(ledger.ask_to_hand_over(kNothing), Serials{*a});
  EXPECT_EQ(ledger.ask_to_hand_over(kNothing), Serials{});
}

TEST(ClaimLedger, OnlyTheReleaseOfAnAskedClaimIsAwaited) {
  ClaimLedger ledger;
  const auto a = ledger.add("a");
  const auto b = ledger.add("b");
  static_cast<void>(ledger.ask_to_hand_over(all_but("b")));
  EXPECT_FALSE(ledger.remove("a", *a));
  EXPECT_TRUE(ledger.remove("b", *b));
  EXPECT_FALSE(ledger.remove("b", *b));
}

TEST(ClaimLedger, RevokedClaimsStayEnteredButAreReportedToNobody) {
  ClaimLedger ledger;
  const auto a = ledger.add("a");
  EXPECT_EQ(ledger.revoke_all(), Serials{*a});
  EXPECT_EQ(ledger.revoke_all(), Serials{});
  EXPECT_EQ(ledger.held(kNothing), Jobs{});
  EXPECT_EQ(ledger.size(), 1U);
  EXPECT_FALSE(ledger.add("a").has_value()) << "the job may still be running";
  EXPECT_FALSE(ledger.remove("a", *a)) << "nobody waits for it: the right was gone before";
  EXPECT_EQ(ledger.size(), 0U);
}

}  // namespace
}  // namespace nodepool
