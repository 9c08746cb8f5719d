// The parts of the go-dispatch driver that need no server.

#include "nodepool/go_dispatch.hpp"

#include <gtest/gtest.h>

#include "driver/go_dispatch/entries.hpp"
#include "driver/go_dispatch/member_list.hpp"
#include "driver/go_dispatch/options.hpp"
#include "driver/go_dispatch/stability.hpp"

namespace nodepool::go_dispatch {
namespace {

using namespace std::chrono_literals;
using redis::Reply;

const std::string kGroup = "distributed-nodepool:svc:";
const std::string kFirst = kGroup + "4edbb95b-0652-4728-852f-0438c1e4a81e";
const std::string kSecond = kGroup + "c2f2698a-ec7f-46ba-a06d-bcaa8f351d3a";

Reader reader(GoDispatchLayout layout = GoDispatchLayout::key, std::chrono::milliseconds period = 10s) {
  return {.layout = layout, .period = period, .group = kGroup, .own_id = NodeId("own"), .own_name = kSecond};
}

Reply text(std::string value) {
  return {.kind = Reply::Kind::text, .text = std::move(value)};
}
Reply array(std::vector<Reply> items) {
  return {.kind = Reply::Kind::array, .items = std::move(items)};
}

// ---- names

TEST(GoDispatchEntries, ANodeIsTheGroupAndAVersionFourUuid) {
  EXPECT_TRUE(is_node_of(kGroup, kFirst));
  for (const std::string& stranger :
       {kGroup, kGroup + "stable-jobs", "distributed-nodepool:svc:b:" + kFirst.substr(kGroup.size()),
        kGroup + "4edbb95b-0652-1728-852f-0438c1e4a81e", kGroup + "4edbb95b-0652-4728-052f-0438c1e4a81e",
        kGroup + "4EDBB95B-0652-4728-852F-0438C1E4A81E", kFirst + "0", std::string()}) {
    EXPECT_FALSE(is_node_of(kGroup, stranger)) << stranger;
  }
}

TEST(GoDispatchEntries, WhateverIsRandomAUuidHasVersionAndVariant) {
  for (const std::uint32_t bits : {0U, 0xffffffffU, 0x12345678U}) {
    EXPECT_TRUE(is_node_of(kGroup, kGroup + uuid_of({bits, bits, bits, bits}))) << bits;
  }
  EXPECT_EQ(uuid_of({0x4edbb95b, 0x06520728, 0x052f0438, 0xc1e4a81e}),
            "4edbb95b-0652-4728-852f-0438c1e4a81e");
}

TEST(GoDispatchEntries, TheOldestScoreIsRoundedDownAsGoDoes) {
  const WallTime now = WallTime(1'795'352'005'812ms);
  EXPECT_EQ(oldest_score(now, 1s), 1'795'352'004s);
  EXPECT_EQ(oldest_score(now, 1500ms), 1'795'352'004s);
  EXPECT_EQ(oldest_score(now, 1900ms), 1'795'352'003s);
}

TEST(GoDispatchEntries, AClockIsOffOnlyByWhatTheCallCannotExplain) {
  EXPECT_EQ(clock_error(WallTime(10s), WallTime(12s), WallTime(10s)), 0us);
  EXPECT_EQ(clock_error(WallTime(10s), WallTime(12s), WallTime(12s)), 0us);
  EXPECT_EQ(clock_error(WallTime(10s), WallTime(12s), WallTime(9s)), 1s);
  EXPECT_EQ(clock_error(WallTime(10s), WallTime(12s), WallTime(15s)), -3s);
  EXPECT_EQ(read_time(array({text("7"), text("000012")})).value(), WallTime(7'000'012us));
  for (const Reply& wrong :
       {Reply{}, text("7"), array({text("7")}), array({text("7"), text("")}), array({text("-7"), text("0")}),
        array({text("7"), text("1000000")}), array({text("99999999999"), text("0")})}) {
    EXPECT_FALSE(read_time(wrong));
  }
}

TEST(GoDispatchEntries, AnAnswerOfAnotherShapeIsAnErrorAndNoShortList) {
  EXPECT_EQ(read_scan(array({text("17"), array({text("a"), text("b")})}))->entries.size(), 2U);
  for (const Reply& wrong : {Reply{}, text("0"), array({}), array({text("0")}), array({text(""), array({})}),
                             array({text("0"), text("a")}), array({text("0"), array({Reply{}})})}) {
    ASSERT_FALSE(read_scan(wrong));
    EXPECT_EQ(read_scan(wrong).error().code, ErrorCode::store_corrupt);
  }
  EXPECT_EQ(read_scores(array({text("a"), text("1.5")})).value(), (std::vector<Entry>{{"a", 1.5}}));
  for (const Reply& wrong : {Reply{}, array({text("a")}), array({text("a"), text("x")}),
                             array({text("a"), text("1 ")}), array({Reply{}, text("1")})}) {
    EXPECT_FALSE(read_scores(wrong));
  }
  EXPECT_FALSE(read_integer(text("1")));
}

// ---- the list

TEST(GoDispatchMembers, AreAllEntriesOnceAndInOrder) {
  const auto members = members_of(reader(), {{kSecond}, {kGroup + "\xff\n"}, {kFirst}, {kSecond}, {kGroup}});
  ASSERT_TRUE(members) << members.error().message;
  std::vector<std::string> names;
  for (const NodeInfo& member : *members) names.push_back(member.name.str());
  EXPECT_EQ(names, (std::vector<std::string>{kGroup, kFirst, kSecond, kGroup + "\xff\n"}));
  EXPECT_EQ((*members)[1].id.str(), kFirst);
  EXPECT_EQ((*members)[2].id.str(), "own");
  EXPECT_EQ((*members)[2].weight, 1U);
}

TEST(GoDispatchMembers, AListWithoutTheReaderIsAnError) {
  for (const auto& entries : {std::vector<Entry>{}, std::vector<Entry>{{kFirst}}}) {
    const auto members = members_of(reader(), entries);
    ASSERT_FALSE(members);
    EXPECT_EQ(members.error().code, ErrorCode::unavailable);
  }
}

TEST(GoDispatchMembers, AnEntryWithoutANameIsNamedAsTheTrouble) {
  const auto members = members_of(reader(GoDispatchLayout::zset), {{kSecond}, {""}});
  ASSERT_FALSE(members);
  EXPECT_EQ(members.error().code, ErrorCode::store_corrupt);
}

TEST(GoDispatchWarnings, AListOfNodesHasNone) {
  EXPECT_TRUE(warnings_of(reader(), {{kFirst}, {kSecond}}, WallTime(10s)).empty());
}

TEST(GoDispatchWarnings, NameWhatCanBeNoNodeAndNotTooMany) {
  const auto one = warnings_of(reader(), {{kFirst}, {kGroup + "b:" + kFirst}}, WallTime(10s));
  ASSERT_EQ(one.size(), 1U);
  EXPECT_NE(one[0].find(kGroup + "b:"), std::string::npos) << one[0];
  EXPECT_EQ(one[0].find('"' + kFirst), std::string::npos) << "a node is not named: " << one[0];
  std::vector<Entry> many;
  for (int number = 0; number < 50; ++number) many.push_back({kGroup + std::to_string(number)});
  const auto of_many = warnings_of(reader(), many, WallTime(10s));
  EXPECT_NE(of_many[0].find("and 47 more"), std::string::npos) << of_many[0];
  EXPECT_LT(of_many[0].size(), 600U);
}

TEST(GoDispatchWarnings, TellOfClocksThatAreAheadButNotOfASecond) {
  const auto zset = reader(GoDispatchLayout::zset, 10s);
  EXPECT_TRUE(warnings_of(zset, {{kFirst, 110.0}}, WallTime(100s)).empty());
  const auto ahead = warnings_of(zset, {{kFirst, 111.0}}, WallTime(100s));
  ASSERT_EQ(ahead.size(), 1U);
  EXPECT_NE(ahead[0].find(kFirst), std::string::npos);
  EXPECT_EQ(ahead, warnings_of(zset, {{kFirst, 112.0}}, WallTime(100s + 1s))) << "told once, not each second";
}

TEST(GoDispatchWarnings, TellOfPeriodsThatSecondsCannotHold) {
  const auto count = [](GoDispatchLayout layout, std::chrono::milliseconds period) {
    return warnings_of(reader(layout, period), {{kFirst}}, WallTime(100s)).size();
  };
  EXPECT_EQ(count(GoDispatchLayout::key, 999ms), 1U);
  EXPECT_EQ(count(GoDispatchLayout::zset, 999ms), 1U);
  EXPECT_EQ(count(GoDispatchLayout::key, 1900ms), 1U);
  EXPECT_EQ(count(GoDispatchLayout::zset, 1900ms), 0U);
  EXPECT_EQ(count(GoDispatchLayout::key, 1s), 0U);
}

// ---- since when the list is the same

std::vector<NodeInfo> list(std::initializer_list<const char*> names) {
  std::vector<NodeInfo> members;
  for (const char* name : names) members.push_back({.id = NodeId(name), .name = NodeName(name)});
  return members;
}

MonotonicTime at(std::chrono::milliseconds time) {
  return MonotonicTime(time);
}

TEST(GoDispatchStability, CountsFromTheEndOfTheFirstLookToTheStartOfTheLast) {
  Stability stability(1000ms);
  EXPECT_TRUE(stability.observe(list({"a"}), at(100ms), at(150ms)));
  EXPECT_FALSE(stability.observe(list({"a"}), at(1149ms), at(1300ms)));
  EXPECT_FALSE(stability.settled()) << "it began before the whole time was over";
  EXPECT_EQ(stability.settles_at(), at(1150ms));
  EXPECT_FALSE(stability.observe(list({"a"}), at(1150ms), at(1200ms)));
  EXPECT_TRUE(stability.settled());
}

TEST(GoDispatchStability, AnyChangeStartsAnew) {
  Stability stability(1000ms);
  stability.observe(list({"a"}), at(0ms), at(0ms));
  stability.observe(list({"a"}), at(1000ms), at(1000ms));
  ASSERT_TRUE(stability.settled());
  EXPECT_TRUE(stability.observe(list({"a", "b"}), at(1100ms), at(1100ms)));
  EXPECT_FALSE(stability.settled());
  EXPECT_TRUE(stability.observe(list({"a"}), at(1500ms), at(1500ms))) << "back is a change too";
  EXPECT_FALSE(stability.observe(list({"a"}), at(2400ms), at(2400ms)));
  EXPECT_FALSE(stability.settled());
}

TEST(GoDispatchStability, AfterARestartTheSameListIsANewView) {
  Stability stability(1000ms);
  stability.observe(list({"a"}), at(0ms), at(0ms));
  stability.observe(list({"a"}), at(1000ms), at(1000ms));
  stability.restart();
  EXPECT_FALSE(stability.settled());
  EXPECT_TRUE(stability.observe(list({"a"}), at(1100ms), at(1100ms)));
  EXPECT_FALSE(stability.observe(list({"a"}), at(2000ms), at(2000ms)));
  EXPECT_FALSE(stability.settled());
}

// ---- options

TEST(GoDispatchOptions, ThePaceFollowsFromThePeriod) {
  const auto pace = [](GoDispatchLayout layout, std::chrono::milliseconds period) {
    return pace_of({.layout = layout, .period = period});
  };
  EXPECT_EQ(pace(GoDispatchLayout::key, 10s).ttl, 10s);
  EXPECT_EQ(pace(GoDispatchLayout::key, 10s).beat, 5s);
  EXPECT_GT(pace(GoDispatchLayout::key, 10s).stability, 10s);
  EXPECT_EQ(pace(GoDispatchLayout::key, 2900ms).ttl, 2s);
  EXPECT_EQ(pace(GoDispatchLayout::key, 2900ms).lease, 2s) << "the key does not live longer";
  EXPECT_EQ(pace(GoDispatchLayout::key, 2900ms).beat, 1s);
  EXPECT_EQ(pace(GoDispatchLayout::key, 500ms).ttl, 1s);
  EXPECT_EQ(pace(GoDispatchLayout::key, 500ms).lease, 500ms) << "a newcomer in Go acts after one period";
  EXPECT_EQ(pace(GoDispatchLayout::zset, 2900ms).lease, 2900ms);
}

TEST(GoDispatchOptions, FaultsAreReportedTogether) {
  nodepool::GoDispatchOptions options{.period = 99ms, .prefix = "a*"};
  options.redis.min_replicas = 1;
  const auto driver = open_go_dispatch(options);
  ASSERT_FALSE(driver);
  EXPECT_EQ(driver.error().code, ErrorCode::invalid_argument);
  for (const char* part : {"period", "prefix", "min_replicas"}) {
    EXPECT_NE(driver.error().message.find(part), std::string::npos) << driver.error().message;
  }
  for (const char* prefix : {"", "a b", "a?", "a[", "a]", "a^", "a\\", "a\n", "\xc3\xa4"}) {
    EXPECT_FALSE(open_go_dispatch({.prefix = prefix})) << prefix;
  }
  EXPECT_FALSE(open_go_dispatch({.redis = {.port = 0}}));
  EXPECT_TRUE(open_go_dispatch({.period = 100ms, .prefix = "jobs:v2"}));
}

TEST(GoDispatchOptions, WhereNoListIsWholeThePoolIsRefused) {
  for (const char* url : {"redis+cluster://a:1,b:2", "redis+sentinel://a:1,b:2/main"}) {
    const auto driver = open_go_dispatch({.redis = parse_redis_url(url).value()});
    ASSERT_FALSE(driver) << url;
    EXPECT_EQ(driver.error().code, ErrorCode::unsupported) << driver.error().message;
  }
}

TEST(GoDispatchOptions, TheDriverSaysWhatItCannotKnowAndNamesTheNode) {
  const auto driver = open_go_dispatch({.prefix = "jobs"}).value();
  const Capabilities can = driver->capabilities();
  EXPECT_FALSE(can.acknowledges || can.holds || can.hints);
  const auto name = driver->open(ServiceName("svc"))->node_name();
  ASSERT_TRUE(name);
  EXPECT_TRUE(is_node_of("jobs:svc:", name->str())) << name->str();
  EXPECT_NE(*name, driver->open(ServiceName("svc"))->node_name()) << "each start is another node";
}

}  // namespace
}  // namespace nodepool::go_dispatch
