#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <random>
#include <vector>

#include "ring/lookup.hpp"

namespace nodepool::ring {
namespace {

constexpr std::uint64_t kLastHash = std::numeric_limits<std::uint64_t>::max();

/// Points at these hashes, of as many owners in turn as there may be.
Points points_at(std::vector<std::uint64_t> hashes, std::size_t owners) {
  std::ranges::sort(hashes);
  const auto twins = std::ranges::unique(hashes);
  hashes.erase(twins.begin(), twins.end());
  Points points;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    points.owners.push_back(static_cast<OwnerIndex>(i * 7 % owners));
  }
  points.hashes = std::move(hashes);
  return points;
}

/// The definition, without any cleverness.
OwnerIndex walk_clockwise(const Points& points, std::uint64_t hash) {
  for (std::size_t i = 0; i < points.hashes.size(); ++i) {
    if (points.hashes[i] >= hash) {
      return points.owners[i];
    }
  }
  return points.owners.front();
}

/// Every hash at which the answer can change, its neighbours, and the ends.
std::vector<std::uint64_t> decisive_hashes(const Points& points) {
  std::vector<std::uint64_t> hashes = {0, 1, kLastHash - 1, kLastHash};
  for (const std::uint64_t point : points.hashes) {
    hashes.insert(hashes.end(), {point - 1, point, point + 1, point ^ 0xffU, point ^ (1ULL << 48U)});
  }
  return hashes;
}

/// Returns how many of the decisive hashes a line could tell.
std::size_t expect_exact(const LookUp& look_up, const Points& points) {
  std::size_t told = 0;
  for (const std::uint64_t hash : decisive_hashes(points)) {
    const OwnerIndex expected = walk_clockwise(points, hash);
    EXPECT_EQ(points.owners[look_up.find(points, hash)], expected) << hash;
    const OwnerIndex owner = look_up.owner(hash);
    if (owner != Line::kCannotTell) {
      EXPECT_EQ(owner, expected) << hash;
      ++told;
    }
    if (testing::Test::HasFailure()) {
      break;
    }
  }
  return told;
}

std::vector<std::uint64_t> random_hashes(std::size_t count, std::uint64_t first, std::uint64_t last) {
  std::mt19937_64 random(count);
  std::uniform_int_distribution<std::uint64_t> hash(first, last);
  std::vector<std::uint64_t> hashes;
  std::generate_n(std::back_inserter(hashes), count, [&] { return hash(random); });
  return hashes;
}

TEST(LookUp, TellsNearlyEveryUniformHashFromOneLine) {
  const Points points = points_at(random_hashes(3'000, 0, kLastHash), 60);
  const LookUp look_up(points, 60);
  expect_exact(look_up, points);
  const auto asked = random_hashes(10'000, 0, kLastHash);
  const auto told = std::ranges::count_if(
      asked, [&](std::uint64_t hash) { return look_up.owner(hash) != Line::kCannotTell; });
  EXPECT_GT(told, 9'900);
}

TEST(LookUp, IsExactOnRingsOfAFewPoints) {
  for (std::size_t count = 1; count <= 40; ++count) {
    const Points points = points_at(random_hashes(count, 0, kLastHash), 3);
    EXPECT_GT(expect_exact(LookUp(points, 3), points), 0U);
  }
  for (const std::uint64_t only : {std::uint64_t{0}, std::uint64_t{1}, kLastHash}) {
    const Points points = points_at({only}, 1);
    expect_exact(LookUp(points, 1), points);
  }
  const Points ends = points_at({0, kLastHash}, 2);
  expect_exact(LookUp(ends, 2), ends);
}

TEST(LookUp, IsExactWhereAllPointsLieInOneBucket) {
  for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{1} << 63U, kLastHash - 2'000'000}) {
    const Points points = points_at(random_hashes(500, first, first + 1'000'000), 20);
    const LookUp look_up(points, 20);
    expect_exact(look_up, points);
    EXPECT_EQ(look_up.owner(first), Line::kCannotTell);
    EXPECT_EQ(look_up.owner(first ^ 0x5a5a5a5a5a5a5a5aU),
              points.owners.front());  // Every other line leads there.
  }
}

TEST(LookUp, IsExactWhereFragmentsAreEqual) {
  // Twelve points close to each other in each of many places: too few to fill a line, too close to be told
  // apart.
  std::vector<std::uint64_t> hashes;
  for (const std::uint64_t place : random_hashes(50, 0, kLastHash - 100)) {
    for (std::uint64_t i = 0; i < 12; ++i) {
      hashes.push_back(place + 3 * i);
    }
  }
  const Points points = points_at(hashes, 11);
  expect_exact(LookUp(points, 11), points);
}

TEST(LookUp, FillsALineUpToItsLastLane) {
  for (const std::size_t count : {14U, 15U, 16U, 17U}) {
    // All in the first of many buckets, far from each other in it.
    std::vector<std::uint64_t> hashes;
    for (std::size_t i = 0; i < count; ++i) {
      hashes.push_back((i + 1) << 50U);
    }
    const auto others = random_hashes(200, std::uint64_t{1} << 60U, kLastHash);
    hashes.insert(hashes.end(), others.begin(), others.end());
    const Points points = points_at(hashes, 5);
    const LookUp look_up(points, 5);
    expect_exact(look_up, points);
    EXPECT_EQ(look_up.owner(5) == Line::kCannotTell, count > Line::kMaxPoints) << count;
  }
}

TEST(LookUp, IsExactWithMoreOwnersThanALineCanName) {
  for (const std::size_t owners : {65'535U, 65'536U}) {
    Points points = points_at(random_hashes(400, 0, kLastHash), owners);
    points.owners.front() = static_cast<OwnerIndex>(owners - 1);
    points.owners.back() = static_cast<OwnerIndex>(owners - 2);
    const std::size_t told = expect_exact(LookUp(points, owners), points);
    EXPECT_EQ(told > 0, owners == 65'535U);
  }
}

/// Hashes near a few places: most buckets are empty, the others more than full.
std::vector<std::uint64_t> clustered_hashes(std::size_t count, std::mt19937_64& random) {
  std::vector<std::uint64_t> hashes;
  std::generate_n(std::back_inserter(hashes), count,
                  [&] { return ((random() % 40) << 58U) + (random() >> 12U); });
  return hashes;
}

TEST(LookUp, IsExactAfterChangesAcrossEmptyBuckets) {
  constexpr std::size_t owners = 100;  // A change of one is small: it copies lines.
  std::mt19937_64 random(16);
  std::vector<RingNode> nodes(owners);
  std::vector<const RingNode*> node_of;
  for (std::size_t i = 0; i < owners; ++i) {
    nodes[i].name = "node" + std::to_string(i);
    node_of.push_back(&nodes[i]);
  }
  Points points = points_at(clustered_hashes(600, random), owners);
  LookUp look_up(points, owners);
  for (int change = 0; change < 60; ++change) {
    const auto number = static_cast<OwnerIndex>(random() % owners);
    std::vector<Point> gone;
    for (std::size_t i = 0; i < points.hashes.size(); ++i) {
      if (points.owners[i] == number) {
        gone.push_back({points.hashes[i], number});
      }
    }
    std::vector<Point> come;
    for (const std::uint64_t hash : clustered_hashes(5 + random() % 3, random)) {
      come.push_back({hash, number});
    }
    sort_points(come);
    ChangedPoints changed = change_points(points, look_up, gone, come, node_of);
    look_up = look_up.changed(changed, owners);
    points = std::move(changed.points);
    expect_exact(look_up, points);
    ASSERT_FALSE(HasFailure()) << "change " << change;
  }
}

TEST(LookUp, CannotTellWithoutPoints) {
  EXPECT_EQ(LookUp().owner(7), Line::kCannotTell);
  EXPECT_EQ(LookUp(Points{}, 0).owner(7), Line::kCannotTell);
}

TEST(Line, CountsTheSameInPlainAndInVectorCode) {
  std::mt19937_64 random(15);
  for (int round = 0; round < 2'000; ++round) {
    Line line;
    line.fragments.fill(Line::kEnd);
    const auto count = static_cast<std::ptrdiff_t>(random() % 16);
    std::generate_n(line.fragments.begin(), count, [&] { return Line::fragment_of(random()); });
    std::sort(line.fragments.begin(), line.fragments.begin() + count);
    for (const Line::Fragment known : line.fragments) {
      for (const int step : {-1, 0, 1}) {
        const auto wanted = static_cast<Line::Fragment>(known + step);
        const auto below = std::ranges::lower_bound(line.fragments, wanted) - line.fragments.begin();
        EXPECT_EQ(line.count_below(wanted), static_cast<std::size_t>(below));
        EXPECT_EQ(line.count_below_portably(wanted), static_cast<std::size_t>(below));
      }
    }
  }
}

TEST(SortPoints, SortsWhateverTheDistribution) {
  for (const std::uint64_t width : {std::uint64_t{3}, std::uint64_t{1} << 20U, kLastHash}) {
    for (const std::size_t count : {0U, 1U, 2U, 40U, 5'000U}) {
      std::vector<Point> points;
      for (const std::uint64_t hash : random_hashes(count, 0, width)) {
        points.push_back({hash, static_cast<OwnerIndex>(points.size() % 3)});
      }
      auto expected = points;
      std::ranges::sort(expected);
      sort_points(points);
      EXPECT_EQ(points, expected) << count << " of " << width;
    }
  }
}

}  // namespace
}  // namespace nodepool::ring
