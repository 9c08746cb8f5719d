#include <gtest/gtest.h>

#include "nodepool/pool.hpp"
#include "runtime/claim_control.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;

/// A claim, and what its pool would see of it.
struct Issued {
  int releases = 0;
  std::shared_ptr<LeaseTerm> lease = std::make_shared<LeaseTerm>(BootClock::now() + 1h);
  std::shared_ptr<detail::ClaimControl> control =
      std::make_shared<detail::ClaimControl>("job", FencingToken{5}, lease, [this] { ++releases; });
  Claim claim{control};
};

TEST(Claim, IsReleasedOnceHoweverOftenItIsAsked) {
  Issued issued;
  issued.claim.release();
  issued.claim.release();
  { const Claim last = std::move(issued.claim); }
  EXPECT_EQ(issued.releases, 1);
}

TEST(Claim, IsReleasedWhenDestroyed) {
  Issued issued;
  { const Claim moved = std::move(issued.claim); }
  EXPECT_EQ(issued.releases, 1);
}

TEST(Claim, MovesWithoutBeingReleased) {
  Issued issued;
  const Claim moved = std::move(issued.claim);
  EXPECT_EQ(issued.releases, 0);
  EXPECT_EQ(moved.job(), "job");
  EXPECT_EQ(moved.token(), FencingToken{5});
  EXPECT_TRUE(moved.valid());
}

TEST(Claim, AssignmentReleasesTheOldOne) {
  Issued first, second;
  first.claim = std::move(second.claim);
  EXPECT_EQ(first.releases, 1);
  EXPECT_EQ(second.releases, 0);
  Claim& itself = first.claim;
  first.claim = std::move(itself);
  EXPECT_EQ(second.releases, 0);
  EXPECT_TRUE(first.claim.valid());
}

TEST(Claim, AMovedFromOneMayBeReleased) {
  Issued issued;
  const Claim moved = std::move(issued.claim);
  issued.claim.release();  // NOLINT(bugprone-use-after-move): that it does nothing is the claim of this test
  EXPECT_EQ(issued.releases, 0);
}

TEST(Claim, ItsEndMovesOnWithTheLease) {
  Issued issued;
  const MonotonicTime later = BootClock::now() + 2h;
  issued.lease->extend(later);
  EXPECT_EQ(issued.claim.valid_until(), later);
}

TEST(Claim, ItsEndIsThePastOnceTheLeaseIsOver) {
  Issued issued;
  issued.lease->finish();
  EXPECT_FALSE(issued.claim.valid());
  EXPECT_LT(issued.claim.valid_until(), BootClock::now());
}

TEST(Claim, IsNotValidOnceToldToStop) {
  Issued issued;
  issued.control->hand_over.request_stop();
  EXPECT_TRUE(issued.claim.valid()) << "asked is not told";
  issued.control->stop.request_stop();
  EXPECT_FALSE(issued.claim.valid());
  EXPECT_TRUE(issued.claim.stop_token().stop_requested());
}

}  // namespace
}  // namespace nodepool
