// The go-dispatch driver on a real server: what it sends, and what it makes of what is there.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <iterator>
#include <regex>

#include "conformance/go_dispatch_fixture.hpp"
#include "driver/redis/connection.hpp"
#include "nodepool/pool.hpp"
#include "support/pools.hpp"
#include "support/process.hpp"
#include "support/tcp_gate.hpp"

namespace nodepool::conformance {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr auto kBoth = {GoDispatchLayout::key, GoDispatchLayout::zset};
constexpr std::string_view kStranger = "4edbb95b-0652-4728-852f-0438c1e4a81e";

class GoDispatchStore : public GoDispatchPlace {
 protected:
  GoPeer peer(GoDispatchLayout layout, std::chrono::milliseconds period = 1s) {
    drivers_.push_back(open_go_dispatch(options(layout, 0, period)).value());
    return {*drivers_.back(), service_};
  }
  /// A node of somebody else that is listed for an hour.
  void put(GoDispatchLayout layout, const std::string& name) const {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto second = std::chrono::floor<std::chrono::seconds>(now).count();
    const std::string reply = layout == GoDispatchLayout::key
                                  ? server_.command({"SETEX", name, "3600", name})
                                  : server_.command({"ZADD", group_, std::to_string(second), name});
    ASSERT_NE(reply[0], '-') << reply;
  }
  void drop(GoDispatchLayout layout, const std::string& name) const {
    ASSERT_EQ(layout == GoDispatchLayout::key ? server_.command({"DEL", name})
                                              : server_.command({"ZREM", group_, name}),
              "1\n");
  }
  [[nodiscard]] long long calls_of(const std::string& command) const {
    const std::string info = server_.command({"INFO", "commandstats"});
    const auto at = info.find("cmdstat_" + command + ":calls=");
    return at == std::string::npos ? 0 : std::stoll(info.substr(at + command.size() + 15));
  }

 private:
  std::vector<std::shared_ptr<Driver>> drivers_;
};

// ---- what is sent

/// What all clients send to the server, as MONITOR tells it: names, times and greetings left out.
class Transcript {
 public:
  explicit Transcript(const test::RedisServer& server) : server_(server) {
    const RedisOptions options{.port = server.port()};
    const auto deadline = BootClock::now() + 5s;
    const redis::Endpoint endpoint = redis::endpoint_of(options);
    redis::Resolver resolver;
    connection_ =
        redis::Connection::open(options, nullptr, endpoint, *resolver.resolve(endpoint, deadline), deadline)
            .value();
    EXPECT_EQ(connection_->call({"MONITOR"}, deadline)->text, "OK");
  }
  /// What was sent since the last call, under a heading.
  std::string take(const std::string& heading) {
    EXPECT_EQ(server_.command({"ECHO", "enough"}), "enough\n");
    std::string text = "# " + heading + "\n";
    while (true) {
      const auto line = connection_->await(BootClock::now() + 5s);
      if (!line || line->text.find("\"ECHO\"") != std::string::npos) return text;
      const auto command = line->text.find("] \"");
      if (line->text.find("\"INFO\"") == std::string::npos)
        text += masked(line->text.substr(command + 2)) + "\n";
    }
  }

 private:
  static std::string masked(std::string line) {
    static const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
    static const std::regex seconds("\"[0-9]{10}\"");
    return std::regex_replace(std::regex_replace(line, uuid, "<uuid>"), seconds, "\"<seconds>\"");
  }
  const test::RedisServer& server_;
  std::optional<redis::Connection> connection_;
};

TEST_F(GoDispatchStore, SendsWhatNodesInGoUnderstand) {
  for (const auto layout : kBoth) {
    GoPeer node = peer(layout, 2s);
    Transcript transcript(server_);
    const auto started = node.sync();
    std::string text = transcript.take("start");
    node.sync();
    text += transcript.take("a question before its time");
    node.sync_after(started);
    text += transcript.take("heartbeat");
    node.request.intent = Intent::leaving;
    node.sync();
    text += transcript.take("stop");
    const std::string name = layout == GoDispatchLayout::key ? "key" : "zset";
    std::ifstream file(std::string(NODEPOOL_TEST_DATA) + "/go_dispatch/" + name + ".txt");
    EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(file), {})) << name;
  }
}

TEST_F(GoDispatchStore, TheEntryIsWhatGoWrites) {
  GoPeer by_key = peer(GoDispatchLayout::key);
  by_key.sync();
  EXPECT_EQ(server_.command({"GET", by_key.name()}), by_key.name() + "\n");
  EXPECT_THAT(std::stoi(server_.command({"PTTL", by_key.name()})),
              testing::AllOf(testing::Gt(0), testing::Le(1000)));
  GoPeer by_score = peer(GoDispatchLayout::zset);
  ASSERT_EQ(server_.command({"FLUSHALL"}), "OK\n");
  const auto before = std::chrono::system_clock::now().time_since_epoch();
  by_score.sync();
  const auto score = std::stoll(server_.command({"ZSCORE", group_, by_score.name()}));
  EXPECT_GE(score, std::chrono::floor<std::chrono::seconds>(before).count());
  EXPECT_LE(std::chrono::seconds(score), std::chrono::system_clock::now().time_since_epoch());
  EXPECT_EQ(server_.command({"TTL", group_}), "-1\n");
}

TEST_F(GoDispatchStore, ADrainingNodeStaysListedUntilItLeaves) {
  for (const auto layout : kBoth) {
    GoPeer node = peer(layout);
    const auto started = node.sync();
    node.request.intent = Intent::draining;
    node.request.node.draining = true;
    node.sync_after(started);
    EXPECT_EQ(peer(layout).session().status(BootClock::now() + 5s)->members.size(), 1U);
    EXPECT_FALSE(node.members[0].draining) << "nobody else knows that";
    node.request.intent = Intent::leaving;
    node.sync();
    const auto status = peer(layout).session().status(BootClock::now() + 5s);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::not_found);
  }
}

// ---- the list

TEST_F(GoDispatchStore, TheListIsCompleteBesideManyOtherKeysWithEverythingThatGoNodesCount) {
  ASSERT_EQ(
      server_.command({"EVAL", "for i=1,20000 do redis.call('SET','other:'..i,i) end return 'OK'", "0"}),
      "OK\n");
  std::vector<std::string> expected;
  for (int number = 0; number < 30; ++number)
    expected.push_back(fmt::format("{}4edbb95b-0652-4728-852f-0438c1e4a8{:02d}", group_, number));
  const std::vector<std::string> strangers{group_ + "b:" + std::string(kStranger), group_ + "stable-jobs",
                                           group_,
                                           group_ + std::string("\xff\n \0", 4) + std::string(300, 'x')};
  expected.insert(expected.end(), strangers.begin(), strangers.end());
  for (const std::string& name : expected) put(GoDispatchLayout::key, name);
  ASSERT_EQ(server_.command({"DEL", group_}), "1\n");
  ASSERT_EQ(server_.command({"ZADD", group_, "1", "x"}), "1\n");  // the other driver's set, of another type
  GoPeer node = peer(GoDispatchLayout::key, 60s);
  const auto reply = node.sync();
  expected.push_back(node.name());
  std::ranges::sort(expected);
  EXPECT_EQ(node.names(), expected);
  ASSERT_EQ(reply.warnings.size(), 1U);
  EXPECT_THAT(reply.warnings[0], HasSubstr("1 more"));
  const auto status = node.session().status(BootClock::now() + 5s);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->members.size(), expected.size());
  for (const MemberStatus& member : status->members) EXPECT_GT(member.lease_left.count(), 0);
}

TEST_F(GoDispatchStore, OfTheSortedSetOnlyWhatIsRecentCounts) {
  const std::string recent = group_ + std::string(kStranger);
  put(GoDispatchLayout::zset, recent);
  ASSERT_EQ(server_.command({"ZADD", group_, "1", group_ + "long-dead"}), "1\n");
  ASSERT_EQ(server_.command({"ZADD", group_, "99999999999", group_ + "from-the-future"}), "1\n");
  GoPeer node = peer(GoDispatchLayout::zset);
  const auto reply = node.sync();
  EXPECT_EQ(node.members.size(), 3U);
  EXPECT_THAT(node.names(), Contains(recent));
  EXPECT_THAT(reply.warnings, Contains(HasSubstr("last heard in the future")));
  EXPECT_THAT(reply.warnings, Contains(HasSubstr("no nodes of this service")));
}

TEST_F(GoDispatchStore, SettlesAfterAWholePeriodWithoutAChangeAndNeverBefore) {
  for (const auto layout : kBoth) {
    GoPeer node = peer(layout);
    node.sync();
    const auto first = BootClock::now();
    node.settle();
    EXPECT_GE(BootClock::now() - first, 1s);
    put(layout, group_ + std::string(kStranger));
    const auto before = node.request.known;
    auto reply = node.sync();
    while (reply.view == before) reply = node.sync_after(reply);
    EXPECT_FALSE(reply.settled);
    EXPECT_GT(reply.view.epoch, before.epoch);
    EXPECT_EQ(reply.view.lineage, before.lineage);
  }
}

TEST_F(GoDispatchStore, AnEntryThatWasLostIsWrittenAgainUnderTheSameNameAndTheWaitStartsAnew) {
  for (const auto layout : kBoth) {
    GoPeer node = peer(layout);
    const auto settled = node.settle();
    drop(layout, node.name());
    auto reply = node.sync_after(settled);
    EXPECT_NE(reply.view, settled.view);
    EXPECT_FALSE(reply.settled);
    EXPECT_EQ(node.names(), std::vector{node.name()});
    node.request.intent = Intent::leaving;
    node.sync();
  }
}

TEST_F(GoDispatchStore, ANodeThatSleptOverItsLeaseStartsAnewThoughItsListIsTheSame) {
  GoPeer node = peer(GoDispatchLayout::zset);  // its entry is still there
  const auto settled = node.settle();
  static_cast<void>(node.session().wait(BootClock::now() + 1100ms, -1));
  const auto reply = node.sync();
  EXPECT_NE(reply.view, settled.view);
  EXPECT_FALSE(reply.settled);
}

TEST_F(GoDispatchStore, AReplyIsWorthWhatIsLeftOfTheEntry) {
  for (const auto layout : kBoth) {
    GoPeer node = peer(layout, 20s);
    EXPECT_EQ(node.sync().lease, 20s);
    static_cast<void>(node.session().wait(BootClock::now() + 100ms, -1));
    const auto later = *node.sync().lease;  // nothing is sent yet
    EXPECT_LE(later, 19'900ms);
    EXPECT_GT(later, 10s);
  }
}

// ---- errors are errors

TEST_F(GoDispatchStore, AListThatBreaksOffIsAnErrorAndNoShortList) {
  ASSERT_EQ(
      server_.command({"EVAL", "for i=1,20000 do redis.call('SET','other:'..i,i) end return 'OK'", "0"}),
      "OK\n");
  test::TcpGate gate(server_.port());
  const auto driver = connect(GoDispatchLayout::key, gate.port());
  GoPeer node(*driver, service_);
  node.sync();
  static_cast<void>(node.session().wait(BootClock::now() + 500ms, -1));
  gate.set({.delay = 10ms});
  const auto pages = calls_of("scan");
  auto pending = std::async(std::launch::async, [&] { return node.try_sync(); });
  ASSERT_TRUE(test::eventually([&] { return calls_of("scan") > pages + 3; }));
  gate.reset_connections();
  const auto reply = pending.get();
  ASSERT_FALSE(reply);
  EXPECT_TRUE(reply.error().code == ErrorCode::outcome_unknown ||
              reply.error().code == ErrorCode::unavailable)
      << reply.error().message;
  gate.set({});
  EXPECT_TRUE(test::eventually([&] { return node.try_sync().has_value(); }));
  EXPECT_EQ(node.names(), std::vector{node.name()});
}

TEST_F(GoDispatchStore, AListThatIsForbiddenNamesThePermission) {
  GoPeer node = peer(GoDispatchLayout::key);
  node.sync();
  ASSERT_EQ(server_.command({"ACL", "SETUSER", "default", "-scan"}), "OK\n");
  static_cast<void>(node.session().wait(BootClock::now() + 500ms, -1));
  const auto reply = node.try_sync();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::permission_denied);
  EXPECT_THAT(reply.error().message, testing::AllOf(HasSubstr("scan"), HasSubstr("~distributed-nodepool:*")));
}

TEST_F(GoDispatchStore, ItsRightsAreNoMoreThanTheAdviceSays) {
  for (const auto layout : kBoth) {
    const std::string name = layout == GoDispatchLayout::key ? "bykey" : "byscore";
    std::vector<std::string> rule{
        "ACL", "SETUSER", name, "on", ">secret", "resetchannels", "~distributed-nodepool:*"};
    for (const char* each : {"+exists", "+setex", "+scan", "+pttl", "+del"})
      if (layout == GoDispatchLayout::key) rule.emplace_back(each);
    for (const char* each : {"+time", "+zadd", "+zrangebyscore", "+zrem"})
      if (layout == GoDispatchLayout::zset) rule.emplace_back(each);
    rule.insert(rule.end(), {"+select", "+info"});
    ASSERT_EQ(server_.command(rule), "OK\n");
    GoDispatchOptions limited = options(layout);
    limited.redis.user = name;
    limited.redis.password = "secret";
    limited.redis.database = 1;
    const auto driver = open_go_dispatch(limited).value();
    GoPeer node(*driver, service_);
    const auto started = node.sync();
    node.sync_after(started);
    EXPECT_TRUE(node.session().status(BootClock::now() + 5s));
    node.request.intent = Intent::leaving;
    node.sync();
  }
}

TEST_F(GoDispatchStore, ASetOfAnotherTypeIsSaidToBeSomethingElse) {
  ASSERT_EQ(server_.command({"SET", group_, "x"}), "OK\n");
  const auto reply = peer(GoDispatchLayout::zset).try_sync();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::store_corrupt);
  EXPECT_THAT(reply.error().message, HasSubstr("the other driver"));
}

TEST_F(GoDispatchStore, ANodeOfAClusterIsRefusedBeforeAnythingIsWritten) {
  const test::RedisServer node_of_cluster({"--cluster-enabled", "yes"});
  const auto driver = connect(GoDispatchLayout::key, node_of_cluster.port());
  const auto reply = GoPeer(*driver, service_).try_sync();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unsupported);
  EXPECT_THAT(reply.error().message, HasSubstr("cluster"));
}

TEST_F(GoDispatchStore, AMachineWhoseClockIsWrongTakesNoPartByScoresButByKeys) {
  const test::TemporaryFolder folder;
  const std::string file = folder.path() + "/step";
  for (const std::int64_t microseconds : {-5'000'000, 5'000'000}) {
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(&microseconds), sizeof microseconds);
    const test::RedisServer server(
        {}, {"LD_PRELOAD=" NODEPOOL_STEPPED_CLOCK_LIBRARY, "NODEPOOL_STEPPED_CLOCK=" + file});
    const auto by_score = open_go_dispatch(options(GoDispatchLayout::zset, server.port(), 8s)).value();
    const auto reply = GoPeer(*by_score, service_).try_sync();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
    EXPECT_THAT(reply.error().message, HasSubstr(microseconds < 0 ? "ms ahead of" : "ms behind"));
    EXPECT_EQ(server.command({"DBSIZE"}), "0\n");
    const auto patient = open_go_dispatch(options(GoDispatchLayout::zset, server.port(), 20s)).value();
    GoPeer(*patient, service_).sync();  // five seconds are nothing here
    const auto by_key = open_go_dispatch(options(GoDispatchLayout::key, server.port(), 8s)).value();
    GoPeer(*by_key, service_).sync();
  }
}

TEST_F(GoDispatchStore, WhatGoNodesDoNotKnowIsRefusedAtTheStart) {
  PoolOptions heavy;
  heavy.weight = 2;
  PoolOptions other_rule;
  other_rule.placement = PlacementKind::rendezvous;
  for (const auto& [options, word] : {std::pair{heavy, "weight"}, std::pair{other_rule, "placement"}}) {
    NodePool pool(ServiceName(service_), connect(GoDispatchLayout::key), options);
    const auto started = pool.start(5s);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(started.error().message, HasSubstr(word));
  }
  EXPECT_EQ(server_.command({"DBSIZE"}), "0\n");
}

TEST_F(GoDispatchStore, TheDoctorSaysWhatTheListHasAndWhatItCannotTell) {
  put(GoDispatchLayout::key, group_ + "stable-jobs");
  put(GoDispatchLayout::key, group_ + std::string(kStranger));
  const auto driver = connect(GoDispatchLayout::key);
  const auto findings = examine(*driver, ServiceName(service_), BootClock::now() + 5s);
  const auto says = [](Finding::Grade grade, const std::string& text) {
    return testing::AllOf(testing::Field(&Finding::grade, grade),
                          testing::AnyOf(testing::Field(&Finding::text, HasSubstr(text)),
                                         testing::Field(&Finding::advice, HasSubstr(text))));
  };
  EXPECT_THAT(findings, testing::Contains(says(Finding::Grade::warning, "stable-jobs")));
  EXPECT_THAT(findings, testing::Contains(says(Finding::Grade::note, "2 entries count as nodes")));
  EXPECT_THAT(findings, testing::Contains(says(Finding::Grade::note, "restart the Go nodes")));
  EXPECT_THAT(findings, testing::Not(testing::Contains(says(Finding::Grade::good, "agree on"))));
  EXPECT_THAT(findings, testing::Contains(says(Finding::Grade::good, "may do all")));
  EXPECT_EQ(server_.command({"DBSIZE"}), "2\n");

  ASSERT_EQ(server_.command({"ACL", "SETUSER", "default", "-setex"}), "OK\n");
  const auto denied = examine(*driver, ServiceName(service_), BootClock::now() + 5s);
  EXPECT_THAT(denied, testing::Contains(says(Finding::Grade::problem, "setex")));
}

TEST_F(GoDispatchStore, NobodyCanBeAskedToDrain) {
  const auto asked = peer(GoDispatchLayout::key).session().request_drain(NodeId("x"), BootClock::now() + 1s);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace nodepool::conformance
