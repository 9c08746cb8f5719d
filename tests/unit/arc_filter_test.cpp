#include "ring/arc_filter.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace nodepool {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

/// Every hash near which something can go wrong: each end of an arc and of a bucket beside it, and its
/// neighbours.
std::vector<std::uint64_t> delicate(const ArcSet& arcs) {
  std::vector<std::uint64_t> hashes{0, 1, kMost, kMost - 1, kMost / 2, kMost / 2 + 1};
  for (const ArcSet::Arc& arc : arcs.arcs()) {
    for (const std::uint64_t end : {arc.first, arc.last}) {
      for (unsigned shift = 40; shift < 64; ++shift) {
        const std::uint64_t within = (std::uint64_t{1} << shift) - 1;
        hashes.insert(hashes.end(), {end & ~within, (end & ~within) - 1, end | within, (end | within) + 1});
      }
      hashes.insert(hashes.end(), {end, end - 1, end + 1, end ^ 0xff, end ^ (std::uint64_t{1} << 63)});
    }
  }
  return hashes;
}

void expect_same_set(const ArcSet& arcs) {
  const ArcFilter filter(arcs);
  EXPECT_EQ(filter.empty(), arcs.empty());
  EXPECT_EQ(filter.arcs(), arcs);
  for (const std::uint64_t hash : delicate(arcs)) {
    ASSERT_EQ(filter.contains(hash), arcs.contains(hash)) << hash;
  }
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t hash = random();
    ASSERT_EQ(filter.contains(hash), arcs.contains(hash)) << hash;
  }
}

ArcSet arcs_of_ring(int nodes, unsigned points) {
  std::vector<RingNode> members;
  for (int i = 0; i < nodes; ++i) members.push_back({"node-" + std::to_string(i)});
  return HashRing::build(std::move(members), points).value().arcs_of("node-0");
}

/// Every `step`-th slot of 2^bits.
ArcSet slots(unsigned bits, std::uint64_t step) {
  std::vector<ArcSet::Arc> arcs;
  const std::uint64_t width = std::uint64_t{1} << (64 - bits);
  for (std::uint64_t slot = 0; slot < (std::uint64_t{1} << bits); slot += step) {
    arcs.push_back({slot * width, slot * width + (width - 1)});
  }
  return ArcSet(std::move(arcs));
}

TEST(ArcFilter, NothingAndEverything) {
  EXPECT_TRUE(ArcFilter().empty());
  EXPECT_FALSE(ArcFilter().contains(0));
  EXPECT_FALSE(ArcFilter().contains(kMost));
  expect_same_set(ArcSet());
  expect_same_set(ArcSet({{0, kMost}}));
  EXPECT_EQ(ArcFilter(ArcSet({{0, kMost}})).unsure_buckets(), 0U);
}

TEST(ArcFilter, ArcsOfOneHash) {
  for (const std::uint64_t hash : {std::uint64_t{0}, std::uint64_t{1}, kMost / 2, kMost / 2 + 1, kMost}) {
    expect_same_set(ArcSet({{hash, hash}}));
  }
  expect_same_set(ArcSet({{0, 0}, {2, 2}, {4, 4}, {kMost - 2, kMost - 2}, {kMost, kMost}}));
}

TEST(ArcFilter, ArcsThatAllButTouch) {
  expect_same_set(ArcSet({{0, kMost / 2 - 1}, {kMost / 2 + 1, kMost}}));
  expect_same_set(ArcSet({{1, kMost - 1}}));
  expect_same_set(ArcSet({{0, kMost - 1}}));
  expect_same_set(ArcSet({{1, kMost}}));
  expect_same_set(ArcSet({{0x1234'0000'0000'0000, 0x1234'5678'0000'0000},
                          {0x1234'5678'0000'0002, 0x1234'ffff'ffff'ffff},
                          {0x1235'0000'0000'0001, 0x1239'0000'0000'0000}}));
}

TEST(ArcFilter, ArcsOfRings) {
  for (const auto& [nodes, points] : {std::pair(1, 50U), std::pair(2, 1U), std::pair(5, 50U),
                                      std::pair(200, 50U), std::pair(3, 2'000U), std::pair(2, 10'000U)}) {
    expect_same_set(arcs_of_ring(nodes, points));
  }
}

TEST(ArcFilter, RandomArcsOfEverySize) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::uint64_t> ends;
    const std::size_t count = 1 + random() % 40;
    for (std::size_t i = 0; i < 2 * count; ++i) ends.push_back(random() >> (random() % 60));
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    std::vector<ArcSet::Arc> arcs;
    for (std::size_t i = 0; i + 1 < ends.size(); i += 2) arcs.push_back({ends[i], ends[i + 1]});
    if (!arcs.empty()) expect_same_set(ArcSet(std::move(arcs)));
  }
}

TEST(ArcFilter, FiftyPointsHaveASmallTableThatIsNearlyAlwaysSure) {
  const ArcFilter filter(arcs_of_ring(100, 50));
  EXPECT_EQ(filter.buckets(), 1U << 16);
  EXPECT_LE(filter.unsure_buckets(), 100U);
}

TEST(ArcFilter, TenThousandArcsAreMostlySure) {
  const ArcFilter filter(arcs_of_ring(20, 10'000));
  EXPECT_EQ(filter.buckets(), 1U << 20);
  EXPECT_LE(filter.unsure_buckets(), filter.buckets() / 50);
}

TEST(ArcFilter, SlotsAreAlwaysSure) {
  for (const unsigned bits : {1U, 4U, 5U, 6U, 16U, 20U}) {
    const ArcSet arcs = slots(bits, 3);
    const ArcFilter filter(arcs);
    EXPECT_EQ(filter.unsure_buckets(), 0U) << bits;
    EXPECT_EQ(filter.buckets(), std::size_t{1} << std::max(bits, 5U));
    std::mt19937_64 random(bits);
    for (int i = 0; i < 20'000; ++i) {
      const std::uint64_t hash = random();
      ASSERT_EQ(filter.contains(hash), (hash >> (64 - bits)) % 3 == 0) << hash;
    }
  }
  expect_same_set(slots(10, 7));
}

TEST(ArcFilter, SlotsFinerThanTheGreatestTableStillAnswerRight) {
  const ArcSet arcs(
      {{0, (std::uint64_t{1} << 40) - 1}, {std::uint64_t{5} << 40, (std::uint64_t{6} << 40) - 1}});
  expect_same_set(arcs);
}

TEST(ArcFilter, AnIntersectionIsThatOfTheSets) {
  const ArcSet mine = arcs_of_ring(5, 50);
  const ArcSet fewer = arcs_of_ring(7, 50);
  const ArcFilter both = ArcFilter(mine).intersect(fewer);
  EXPECT_EQ(both.arcs(), mine.intersect(fewer));
  for (const std::uint64_t hash : delicate(fewer)) {
    ASSERT_EQ(both.contains(hash), mine.contains(hash) && fewer.contains(hash)) << hash;
  }
  EXPECT_EQ(ArcFilter(mine).intersect(mine).arcs(), mine);
  const ArcFilter all(ArcSet({{0, kMost}}));
  EXPECT_EQ(all.intersect(mine).arcs(), mine);
  EXPECT_EQ(ArcFilter(mine).intersect(all).arcs(), mine);
  EXPECT_TRUE(ArcFilter(mine).intersect(ArcSet()).empty());
}

TEST(ArcFilter, ACopyOutlivesTheOriginal) {
  ArcFilter copy;
  {
    ArcFilter original(ArcSet({{10, 20}}));
    const ArcFilter taken(std::move(original));
    copy = taken;
    EXPECT_TRUE(original.contains(15))
        << "a move leaves the original as it was";  // NOLINT(bugprone-use-after-move)
  }
  EXPECT_TRUE(copy.contains(15));
  EXPECT_FALSE(copy.contains(21));
}

}  // namespace
}  // namespace nodepool
