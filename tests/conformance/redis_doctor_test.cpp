// What the examination of a real server tells.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "conformance/redis_fixture.hpp"
#include "driver/redis/errors.hpp"

namespace nodepool::conformance {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using Grade = Finding::Grade;

auto is(Grade grade, const std::string& subject, const std::string& text) {
  return AllOf(Field(&Finding::grade, grade), Field(&Finding::subject, subject),
               Field(&Finding::text, HasSubstr(text)));
}

class RedisDoctor : public RedisStore {
 protected:
  std::vector<Finding> examined(const RedisOptions& options) {
    return examine(*open_redis(options).value(), service_, BootClock::now() + 5s);
  }
  std::vector<Finding> examined() { return examined({.port = server_.port()}); }
};

TEST_F(RedisDoctor, FindsNothingToWorryAboutAndLeavesNothingBehind) {
  const auto driver = connect();
  Peer node = peer("a", driver);
  (void)settle(node);
  const std::string before = server_.command({"DBSIZE"});
  for (const Finding& finding : examined()) {
    // How fast this machine is at the moment is not the question.
    if (finding.subject == "round trip") continue;
    EXPECT_EQ(finding.grade, Grade::good) << finding.subject << ": " << finding.text;
  }
  EXPECT_EQ(server_.command({"DBSIZE"}), before);
}

TEST_F(RedisDoctor, NamesEveryMissingRightAndTheLineThatGivesThem) {
  (void)server_.command({"ACL", "SETUSER", "nodes", "reset", "on", ">pw", "~nodepool:*", "&nodepool:*",
                         "+@all", "-zadd", "-hincrby", "-del"});
  const auto findings = examined({.port = server_.port(), .user = "nodes", .password = "pw"});
  const auto found = std::ranges::find(findings, "permissions", &Finding::subject);
  ASSERT_NE(found, findings.end());
  EXPECT_EQ(found->grade, Grade::problem);
  EXPECT_THAT(found->text, HasSubstr("DEL"));
  EXPECT_THAT(found->advice, HasSubstr("ACL SETUSER nodes " + std::string(redis::required_rights())));
  EXPECT_EQ(server_.command({"DBSIZE"}), "0\n") << "what cannot be removed must not be written";

  (void)server_.command({"ACL", "SETUSER", "nodes", "+del"});
  const auto again = examined({.port = server_.port(), .user = "nodes", .password = "pw"});
  EXPECT_THAT(again, Contains(is(Grade::problem, "permissions", "HINCRBY, ZADD")));
  EXPECT_EQ(server_.command({"DBSIZE"}), "0\n");
}

TEST_F(RedisDoctor, TellsWhatWillHurtOneDay) {
  (void)server_.command({"CONFIG", "SET", "maxmemory", "1gb", "maxmemory-policy", "allkeys-lru"});
  RedisServer replica({"--replicaof", "127.0.0.1 " + std::to_string(server_.port())});
  const auto replicates = [&] {
    return server_.command({"INFO", "replication"}).find("connected_slaves:1") != std::string::npos;
  };
  const auto deadline = BootClock::now() + 10s;
  while (!replicates() && BootClock::now() < deadline) std::this_thread::yield();
  const auto findings = examined();
  EXPECT_THAT(findings, Contains(is(Grade::warning, "eviction", "allkeys-lru")));
  EXPECT_THAT(findings, Contains(is(Grade::warning, "replication", "master with 1 replicas")));
}

TEST_F(RedisDoctor, NamesWhoHasNotAcknowledgedTheView) {
  const auto driver = connect();
  Peer prompt = peer("prompt", driver);
  Peer late = peer("late", driver);
  (void)late.sync();
  const auto patient = prompt.sync_until([](const SyncReply& reply) { return !reply.waiting; });
  (void)prompt.sync();  // the acknowledgement
  ASSERT_FALSE(patient.settled);
  EXPECT_THAT(examined(), Contains(Field(&Finding::text, AnyOf(HasSubstr("not acknowledged by late"),
                                                               HasSubstr("behind a barrier")))));
}

TEST_F(RedisDoctor, AServerThatIsAwayOrRefusesIsTheFirstFinding) {
  const auto wrong = examined({.port = server_.port(), .user = "nobody", .password = "hunter-two"});
  ASSERT_EQ(wrong.size(), 1U);
  EXPECT_EQ(wrong[0].grade, Grade::problem);
  EXPECT_THAT(wrong[0].text, AllOf(HasSubstr("WRONGPASS"), testing::Not(HasSubstr("hunter-two"))));
  server_.kill();
  EXPECT_THAT(examined(), testing::ElementsAre(is(Grade::problem, "store", "cannot be reached")));
}

}  // namespace
}  // namespace nodepool::conformance
