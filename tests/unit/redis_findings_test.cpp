#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "driver/redis/server_findings.hpp"

namespace nodepool::redis {
namespace {

using namespace std::chrono_literals;
using Grade = Finding::Grade;
using testing::HasSubstr;

using Fields = std::map<std::string, std::string>;

/// What a healthy server says, with some of it changed.
std::string info(const Fields& changed) {
  Fields fields{{"redis_version", "7.0.15"},
                {"role", "master"},
                {"connected_slaves", "0"},
                {"used_memory", "1048576"},
                {"maxmemory", "0"},
                {"maxmemory_policy", "noeviction"},
                {"aof_enabled", "0"},
                {"aof_last_write_status", "ok"},
                {"rdb_last_bgsave_status", "ok"},
                {"connected_clients", "3"},
                {"maxclients", "10000"}};
  for (const auto& [name, value] : changed) fields[name] = value;
  std::string text = "# Server\r\n";
  for (const auto& [name, value] : fields) text += name + ":" + value + "\r\n";
  return text;
}

Finding found(const std::string& subject, const Fields& changed, const RedisOptions& options = {}) {
  const auto findings = info_findings(info(changed), options);
  const auto it = std::ranges::find(findings, subject, &Finding::subject);
  return it == findings.end() ? Finding{} : *it;
}

TEST(RedisFindings, AHealthyServerIsGoodInEverything) {
  for (const Finding& finding : info_findings(info({}), {})) {
    EXPECT_EQ(finding.grade, Grade::good) << finding.subject << ": " << finding.text;
    EXPECT_TRUE(finding.advice.empty()) << finding.advice;
  }
  EXPECT_THAT(found("version", {}).text, HasSubstr("Redis 7.0.15"));
  EXPECT_THAT(found("version", {{"valkey_version", "8.1.1"}}).text, HasSubstr("Valkey 8.1.1"));
}

TEST(RedisFindings, EvictionIsAWorryWhereKeysCanVanish) {
  EXPECT_EQ(found("eviction", {{"maxmemory_policy", "allkeys-lru"}, {"maxmemory", "9"}}).grade,
            Grade::warning);
  EXPECT_EQ(found("eviction", {{"maxmemory_policy", "allkeys-lru"}}).grade, Grade::note);
  EXPECT_EQ(found("eviction", {{"maxmemory_policy", "volatile-ttl"}, {"maxmemory", "9"}}).grade, Grade::note);
}

TEST(RedisFindings, AServerThatWillRefuseWritesIsToldBefore) {
  EXPECT_EQ(found("memory", {{"used_memory", "95"}, {"maxmemory", "100"}}).grade, Grade::warning);
  EXPECT_EQ(found("memory", {{"used_memory", "50"}, {"maxmemory", "100"}}).grade, Grade::good);
  EXPECT_EQ(found("persistence", {{"rdb_last_bgsave_status", "err"}}).grade, Grade::problem);
  EXPECT_EQ(found("persistence", {{"aof_last_write_status", "err"}}).grade, Grade::problem);
  EXPECT_EQ(found("clients", {{"connected_clients", "9500"}}).grade, Grade::warning);
}

TEST(RedisFindings, ReplicasAndConfirmationsMustFit) {
  EXPECT_EQ(found("replication", {{"role", "slave"}}).grade, Grade::problem);
  EXPECT_EQ(found("replication", {{"connected_slaves", "2"}}).grade, Grade::warning);
  EXPECT_THAT(found("replication", {{"connected_slaves", "2"}}).advice, HasSubstr("min_replicas=2"));
  EXPECT_EQ(found("replication", {{"connected_slaves", "2"}}, {.min_replicas = 1}).grade, Grade::note);
  EXPECT_EQ(found("replication", {{"connected_slaves", "2"}}, {.min_replicas = 2}).grade, Grade::good);
  EXPECT_EQ(found("replication", {{"connected_slaves", "1"}}, {.min_replicas = 2}).grade, Grade::problem);
}

TEST(ClockFindings, TellStepsAndDistances) {
  const ClockLook calm{.local = 500ms, .server = 500ms, .monotonic = 500ms, .ahead = 20ms, .exact = 1ms};
  ASSERT_EQ(clock_findings(calm).size(), 1U);
  EXPECT_EQ(clock_findings(calm)[0].grade, Grade::good);

  ClockLook apart = calm;
  apart.ahead = -90s;
  EXPECT_EQ(clock_findings(apart)[0].grade, Grade::warning);
  EXPECT_THAT(clock_findings(apart)[0].text, HasSubstr("90.000 s behind"));

  ClockLook stepped = calm;
  stepped.server = 3500ms;
  ASSERT_EQ(clock_findings(stepped).size(), 2U);
  EXPECT_THAT(clock_findings(stepped)[0].text, HasSubstr("the server was stepped by +3.000 s"));

  ClockLook slow_link = stepped;
  slow_link.exact = 4s;
  EXPECT_EQ(clock_findings(slow_link).size(), 1U);
}

}  // namespace
}  // namespace nodepool::redis
