#include "nodepool/job_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace nodepool {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<std::string> names_of(const JobSet& jobs) {
  std::vector<std::string> names;
  for (std::size_t job = 0; job < jobs.size(); ++job) {
    names.push_back(jobs.name(job));
  }
  return names;
}

TEST(JobSet, KeepsEachNameOnceInTheOrderOfHashes) {
  const JobSet jobs({"report", "mail", "report", "", "invoice"});
  EXPECT_THAT(names_of(jobs), UnorderedElementsAre("report", "mail", "", "invoice"));
  for (std::size_t job = 0; job < jobs.size(); ++job) {
    EXPECT_EQ(jobs.hash(job), hash_key(jobs.name(job)));
    EXPECT_TRUE(job == 0 || jobs.hash(job - 1) < jobs.hash(job));
  }
}

TEST(JobSet, IsEqualHoweverItWasMade) {
  JobSet grown;
  for (const char* name : {"c", "a", "b", "x"}) {
    EXPECT_TRUE(grown.insert(name));
  }
  EXPECT_FALSE(grown.insert("a"));
  EXPECT_TRUE(grown.erase("x"));
  EXPECT_FALSE(grown.erase("x"));
  EXPECT_EQ(grown, JobSet({"a", "b", "c"}));
  EXPECT_TRUE(grown.contains("b"));
  EXPECT_FALSE(grown.contains("x"));
}

TEST(JobSet, FindsTheJobsOfArcsWithBothEnds) {
  const JobSet jobs({"a", "b", "c", "d", "e"});
  constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  EXPECT_THAT(jobs.in(ArcSet({{0, last}})), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(jobs.in(ArcSet({{jobs.hash(1), jobs.hash(2)}, {jobs.hash(4), last}})), ElementsAre(1, 2, 4));
  EXPECT_THAT(jobs.in(ArcSet({{jobs.hash(1) + 1, jobs.hash(2) - 1}})), IsEmpty());
  EXPECT_THAT(jobs.in(ArcSet()), IsEmpty());
  EXPECT_THAT(jobs.ranges_in(ArcSet({{0, jobs.hash(0)}, {jobs.hash(3), last}})),
              ElementsAre(JobSet::Range{0, 1}, JobSet::Range{3, 5}));
  EXPECT_THAT(JobSet().in(ArcSet({{0, last}})), IsEmpty());
}

TEST(JobSet, SharesAllJobsOutAmongTheNodesOfARing) {
  std::vector<std::string> names;
  for (int i = 0; i < 2'000; ++i) {
    names.push_back("job-" + std::to_string(i));
  }
  const JobSet jobs(names);
  const auto ring = HashRing::build({{"a"}, {"b"}, {"c", 3}}, 50).value();
  std::size_t shared_out = 0;
  for (const RingNode& node : ring.nodes()) {
    for (const std::size_t job : jobs.in(ring.arcs_of(node.name))) {
      EXPECT_EQ(ring.owner(jobs.name(job))->name, node.name);
      ++shared_out;
    }
  }
  EXPECT_EQ(shared_out, names.size());
}

}  // namespace
}  // namespace nodepool
