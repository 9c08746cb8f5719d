#include "core/pool_findings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using Grade = Finding::Grade;
using testing::HasSubstr;

MemberStatus status_of(const std::string& name, std::chrono::microseconds lease_left = 3s) {
  MemberStatus status;
  status.info.id = NodeId("id-of-" + name);
  status.info.name = NodeName(name);
  status.lease_left = lease_left;
  status.acknowledged = true;
  return status;
}

PoolStatus healthy() {
  PoolStatus status;
  status.view.epoch = {7};
  status.settled = true;
  status.members = {status_of("a"), status_of("b")};
  return status;
}

std::vector<Finding> worries(const PoolStatus& status) {
  auto findings = pool_findings(status, Capabilities{});
  std::erase_if(findings, [](const Finding& each) { return each.grade == Grade::good; });
  return findings;
}

TEST(PoolFindings, AHealthyPoolGivesNoWorries) {
  EXPECT_TRUE(worries(healthy()).empty());
  const auto findings = pool_findings(healthy(), Capabilities{});
  EXPECT_THAT(findings.front().text, HasSubstr(to_string(PoolConfig{})));
}

TEST(PoolFindings, NameWhoIsLateSharedDrainingOrHolds) {
  struct Case {
    const char* subject;
    Grade grade;
    const char* named;
    void (*spoil)(PoolStatus&);
  };
  const Case cases[]{
      {"stale nodes", Grade::warning, "b", [](PoolStatus& pool) { pool.members[1].lease_left = -1s; }},
      {"names", Grade::warning, "a", [](PoolStatus& pool) { pool.members[1].info.name = NodeName("a"); }},
      {"view", Grade::warning, "b",
       [](PoolStatus& pool) {
         pool.settled = false;
         pool.members[1].acknowledged = false;
       }},
      {"view", Grade::note, "barrier",
       [](PoolStatus& pool) {
         pool.settled = false;
         pool.barrier_left = 2s;
       }},
      {"draining", Grade::note, "a", [](PoolStatus& pool) { pool.members[0].drain_requested = true; }},
      {"held jobs", Grade::note, "a", [](PoolStatus& pool) { pool.members[0].held = {"report"}; }},
      {"members", Grade::note, "no members", [](PoolStatus& pool) { pool.members.clear(); }},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.subject);
    PoolStatus pool = healthy();
    each.spoil(pool);
    const auto found = worries(pool);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].grade, each.grade);
    EXPECT_EQ(found[0].subject, each.subject);
    EXPECT_THAT(found[0].text, HasSubstr(each.named));
  }
}

TEST(PoolFindings, ClaimNothingOfAStoreThatKnowsNoSettings) {
  const auto findings = pool_findings(healthy(), {.acknowledges = false, .holds = false, .hints = false});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].subject, "members");
}

TEST(PoolFindings, LongListsAreCut) {
  PoolStatus pool = healthy();
  pool.members.clear();
  for (char name = 'a'; name < 'j'; ++name) pool.members.push_back(status_of(std::string(1, name), -1s));
  EXPECT_THAT(worries(pool)[0].text, HasSubstr("a, b, c, d, e and 4 more"));
}

TEST(RoundTripFinding, JudgesByTheHeartbeat) {
  const PoolConfig config{.heartbeat = 1000ms, .lease = 4000ms};
  EXPECT_EQ(round_trip_finding({1ms, 99ms}, config).grade, Grade::good);
  EXPECT_EQ(round_trip_finding({1ms, 100ms}, config).grade, Grade::warning);
  EXPECT_EQ(round_trip_finding({500ms, 1ms}, config).grade, Grade::problem);
  EXPECT_THAT(round_trip_finding({3ms, 1ms, 2ms}, config).text,
              HasSubstr("median 2.00 ms, longest of 3 3.00 ms"));
}

}  // namespace
}  // namespace nodepool
