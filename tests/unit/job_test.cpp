// Jobs whose hash is known, and sets of them, in the real pool and in the fake.

#include "nodepool/job.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "nodepool/pool.hpp"
#include "nodepool/testing.hpp"
#include "support/faulty_driver.hpp"
#include "support/node_dialogue.hpp"
#include "support/pools.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::job_where;
using test::kService;
using test::patient;
using test::some_jobs;

TEST(Job, KnowsItsNameAndItsHash) {
  const Job job("report");
  EXPECT_EQ(job.name(), "report");
  EXPECT_EQ(job.hash(), hash_key("report"));
  EXPECT_EQ(Job("").hash(), hash_key(""));
  EXPECT_EQ(Job(std::string("\0\xff", 2)).hash(), hash_key(std::string_view("\0\xff", 2)));
}

TEST(Job, IsOrderedByItsName) {
  EXPECT_EQ(Job("a"), Job("a"));
  EXPECT_LT(Job("a"), Job("b"));
  EXPECT_EQ((std::set<Job>{Job("b"), Job("a"), Job("b")}.size()), 2U);
  EXPECT_TRUE((std::unordered_set<Job>{Job("a")}.contains(Job("a"))));
}

/// That these compile is the claim: no call is ambiguous.
TEST(Job, NoKindOfNameIsAmbiguous) {
  FakeNodePool fake;
  INodePool& pool = fake;
  EXPECT_FALSE(pool.is_eligible("literal"));
  EXPECT_FALSE(pool.is_eligible(std::string("string")));
  EXPECT_FALSE(pool.is_eligible(std::string_view("view")));
  EXPECT_FALSE(pool.is_eligible(Job("job")));
  EXPECT_FALSE(pool.decide("literal"));
  EXPECT_FALSE(pool.decide(Job("job")));
  EXPECT_FALSE(pool.try_claim("literal").has_value());
  EXPECT_FALSE(pool.try_claim(Job("job")).has_value());
}

/// Two nodes of one pool, steady.
struct TwoNodes {
  std::shared_ptr<Driver> store = open_memory();
  NodePool a{kService, store, patient("a")};
  NodePool b{kService, store, patient("b")};
  TwoNodes() {
    EXPECT_TRUE(a.start().has_value());
    EXPECT_TRUE(b.start().has_value());
    EXPECT_TRUE(eventually([&] { return a.state() == NodeState::steady && a.nodes().size() == 2; }));
  }
};

TEST(PoolJobs, AHandleIsAnsweredAsItsName) {
  const TwoNodes nodes;
  int yes = 0;
  for (const std::string& name : some_jobs(500)) {
    const Job job(name);
    EXPECT_EQ(nodes.a.is_eligible(job), nodes.a.is_eligible(name)) << name;
    EXPECT_NE(nodes.a.is_eligible(job), nodes.b.is_eligible(job)) << name;
    EXPECT_EQ(nodes.a.decide(job).reason, nodes.a.decide(name).reason) << name;
    EXPECT_EQ(nodes.a.decide(job).token, nodes.a.decide(name).token) << name;
    yes += nodes.a.is_eligible(job) ? 1 : 0;
  }
  EXPECT_GT(yes, 0);
  EXPECT_LT(yes, 500);
}

TEST(PoolJobs, AHandleIsClaimedAsItsName) {
  TwoNodes nodes;
  const Job mine(job_where({{{"a", "b"}, "a"}}));
  const Job other(job_where({{{"a", "b"}, "b"}}));
  Decision why;
  EXPECT_FALSE(nodes.a.try_claim(other, &why).has_value());
  EXPECT_EQ(why.reason, Reason::not_owner);
  auto claim = nodes.a.try_claim(mine, &why);
  ASSERT_TRUE(claim.has_value());
  EXPECT_EQ(claim->job(), mine.name());
  EXPECT_FALSE(nodes.a.try_claim(mine.name(), &why).has_value());
  EXPECT_EQ(why.reason, Reason::already_claimed);
  claim.reset();
  EXPECT_TRUE(nodes.a.try_claim(mine).has_value());
  EXPECT_FALSE(nodes.a.try_claim(Job("no\nname"), &why).has_value());
  EXPECT_EQ(why.reason, Reason::invalid_job);
}

TEST(PoolJobs, ASetIsAnsweredAsItsJobs) {
  TwoNodes nodes;
  const JobSet jobs(some_jobs(1000));
  const auto of_a = nodes.a.eligible_jobs(jobs);
  const auto of_b = nodes.b.eligible_jobs(jobs);
  EXPECT_EQ(of_a, nodes.a.INodePool::eligible_jobs(jobs)) << "as asked one by one";
  EXPECT_EQ(of_b, nodes.b.INodePool::eligible_jobs(jobs));
  EXPECT_EQ(of_a.size() + of_b.size(), jobs.size());
  EXPECT_GT(of_a.size(), 0U);
  EXPECT_TRUE(nodes.a.eligible_jobs(JobSet()).empty());
  nodes.a.stop();
  EXPECT_TRUE(nodes.a.eligible_jobs(jobs).empty());
}

TEST(PoolJobs, WhatAnotherNodeStillRunsIsNotInTheAnswer) {
  const auto store = open_memory();
  NodePool a(kService, store, patient("a"));
  NodePool b(kService, store, patient("b"));
  const Job moves(job_where({{{"a"}, "a"}, {{"a", "b"}, "b"}}));
  const JobSet jobs({moves.name(), job_where({{{"a", "b"}, "a"}})});
  ASSERT_TRUE(a.start().has_value());
  auto claim = a.try_claim(moves);
  ASSERT_TRUE(claim.has_value());
  ASSERT_TRUE(b.start().has_value());
  EXPECT_EQ(b.decide(moves).reason, Reason::held_by_other);
  EXPECT_FALSE(b.is_eligible(moves));
  EXPECT_TRUE(b.eligible_jobs(jobs).empty());
  claim.reset();
  EXPECT_TRUE(eventually([&] { return b.is_eligible(moves); }));
  EXPECT_EQ(b.eligible_jobs(jobs).size(), 1U);
}

TEST(PoolJobs, WithoutALeaseTheAnswerIsEmpty) {
  const auto store = std::make_shared<test::FaultyDriver>(open_memory());
  NodePool pool(kService, store, test::hasty("a"));
  ASSERT_TRUE(pool.start().has_value());
  const JobSet jobs(some_jobs(10));
  EXPECT_TRUE(eventually([&] { return pool.eligible_jobs(jobs).size() == jobs.size(); }));
  store->set(test::FaultyDriver::Mode::fail);
  EXPECT_TRUE(eventually([&] { return pool.eligible_jobs(jobs).empty(); }));
  EXPECT_FALSE(pool.is_eligible(Job("job1")));
}

TEST(FakeNodePoolJobs, HandlesAndSetsAreAnsweredByName) {
  FakeNodePool fake;
  INodePool& pool = fake;
  const JobSet jobs({"report", "mail", "invoice"});
  ASSERT_TRUE(pool.start().has_value());
  EXPECT_TRUE(pool.eligible_jobs(jobs).empty());
  fake.grant("report");
  fake.grant("mail");
  EXPECT_TRUE(pool.is_eligible(Job("report")));
  EXPECT_FALSE(pool.is_eligible(Job("invoice")));
  EXPECT_TRUE(pool.decide(Job("report")));
  std::set<std::string> names;
  for (const std::size_t job : pool.eligible_jobs(jobs)) names.insert(jobs.name(job));
  EXPECT_EQ(names, (std::set<std::string>{"mail", "report"}));
  const auto claim = pool.try_claim(Job("report"));
  ASSERT_TRUE(claim.has_value());
  EXPECT_TRUE(fake.is_claimed("report"));
}

}  // namespace
}  // namespace nodepool
