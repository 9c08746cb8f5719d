#include <gmock/gmock.h>

#include "conformance/store_contract.hpp"

/// What a store refuses, keeps apart, and carries unharmed.

namespace nodepool::conformance {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

TEST_P(StoreContract, RefusesALateRequestWithoutAnyEffect) {
  Peer first = peer("first");
  Peer second = peer("second");
  settle({&first, &second});
  SyncRequest late = second.request;
  second.request.held = {"new"};
  second.sync();
  second.sync();
  late.held = {"old"};
  late.intent = Intent::leaving;
  const auto refused = second.session().sync(late, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::outcome_unknown);
  late.sequence = second.request.sequence;
  EXPECT_FALSE(second.session().sync(late, soon())) << "the same request once more";
  const SyncReply reply = first.sync();
  EXPECT_EQ(reply.view, second.request.known);
  EXPECT_THAT(reply.holds_of_others, ElementsAre(Hold{second.id(), "new"}));
}

TEST_P(StoreContract, RefusesAnotherConfigurationAndShowsBoth) {
  Peer member = peer("member");
  settle({&member});
  PoolConfig other = middle_lease();
  other.points = 51;
  other.lease = 1500ms;
  Peer stranger = peer("stranger", other);
  const auto refused = stranger.try_sync();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::config_mismatch);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr(to_string(middle_lease())), HasSubstr(to_string(other))));
  const SyncReply reply = member.sync();
  EXPECT_TRUE(reply.settled);
  EXPECT_FALSE(reply.members.has_value()) << "nothing has changed";
}

TEST_P(StoreContract, TakesAnotherConfigurationOnceNobodyIsThere) {
  Peer member = peer("member");
  settle({&member});
  const Epoch last = member.leave().view.epoch;
  Peer successor = peer("successor", short_lease());
  const SyncReply joined = successor.sync();
  EXPECT_GT(joined.view.epoch, last);
  const auto status = successor.session().status(soon());
  ASSERT_TRUE(status);
  EXPECT_EQ(status->config, short_lease());
}

TEST_P(StoreContract, KeepsServicesApartAlsoWhereOneNameBeginsWithAnother) {
  std::vector<std::unique_ptr<Peer>> peers;
  for (const char* name : {"svc", "svc:a", "svc:", "svc/a", "svc-a", "SVC"}) {
    peers.push_back(std::make_unique<Peer>(peer(name, middle_lease(), ServiceName(name))));
  }
  for (const auto& each : peers) {
    EXPECT_THAT(each->sync().members, Optional(ElementsAre(each->request.node)));
  }
  for (const auto& each : peers) {
    each->request.held = {"job of " + each->request.node.name.str()};
    const SyncReply reply = each->sync();
    EXPECT_EQ(reply.view.view_id, each->request.known.view_id);
    EXPECT_TRUE(reply.holds_of_others.empty());
    const auto status = each->session().status(soon());
    ASSERT_TRUE(status);
    ASSERT_EQ(status->members.size(), 1U);
    EXPECT_EQ(status->members.front().info, each->request.node);
  }
  EXPECT_FALSE(peers[0]->session().request_drain(peers[1]->id(), soon()));
}

TEST_P(StoreContract, TellsAServiceNothingOfAnother) {
  Peer listener = peer("listener", middle_lease(), ServiceName("svc"));
  Peer other = peer("other", middle_lease(), ServiceName("svc:a"));
  settle({&listener});
  listener.hear_out();
  other.sync();
  other.leave();
  EXPECT_TRUE(listener.session().wait(BootClock::now() + 150ms, -1).empty());
}

TEST_P(StoreContract, CarriesNodesWithOddNamesUnharmed) {
  Peer plain = peer("plain");
  Peer odd = peer("'\"\\{}[]%s$(id)`;--:*?/\u00e4\u2603\U0001F600");
  odd.request.node.zone = "zone with spaces, \"quotes\" and \t a tab";
  odd.request.node.address = "[::1]:80";
  odd.request.node.metadata = {{"", "empty key"},
                               {"empty value", ""},
                               {"json", R"({"a":[1,null,"\u0000"]})"},
                               {"lines", "one\ntwo\r\nthree"},
                               {"utf-8", "gr\u00fc\u00df dich"},
                               {"number", "007"}};
  odd.request.node.weight = 100;
  plain.sync();
  EXPECT_THAT(odd.sync().members, Optional(ElementsAre(odd.request.node, plain.request.node)));
  EXPECT_THAT(plain.sync().members, Optional(ElementsAre(odd.request.node, plain.request.node)));
  const auto status = plain.session().status(soon());
  ASSERT_TRUE(status);
  EXPECT_EQ(status->members.front().info, odd.request.node);
}

TEST_P(StoreContract, CarriesTwoHundredMembersAndLargeRecords) {
  constexpr int kMembers = 200;
  const PoolConfig config{.heartbeat = std::chrono::seconds(1), .lease = std::chrono::minutes(10)};
  Peer observer = peer("observer", config);
  observer.sync();
  std::vector<NodeInfo> expected;
  const auto driver = connect();
  for (int number = 0; number < kMembers; ++number) {
    Peer member(*driver, ServiceName("service"), "member-" + std::to_string(1000 + number), config);
    const std::size_t size = number % 20 == 0 ? 2000 : 20;
    member.request.node.metadata = {{"filling", std::string(size, static_cast<char>('a' + number % 26))}};
    ASSERT_TRUE(member.try_sync());
    expected.push_back(member.request.node);
  }
  expected.push_back(observer.request.node);
  // They are admitted in batches, the last of them a moment later.
  Peer last = peer("zzz", config);
  last.sync_until([](const SyncReply& each) { return !each.waiting; });
  expected.push_back(last.request.node);
  const SyncReply reply = observer.sync();
  EXPECT_TRUE(reply.members == expected) << "not the members that joined";
  EXPECT_FALSE(observer.sync().settled);
}

TEST_P(StoreContract, ReturnsSoonWhenTheDeadlineIsOver) {
  Peer member = peer("member");
  member.sync();
  ++member.request.sequence;
  const auto start = BootClock::now();
  [[maybe_unused]] const auto reply = member.session().sync(member.request, start - 1s);
  EXPECT_LT(BootClock::now() - start, 1s);
  ++member.request.sequence;
  member.sync();
}

}  // namespace
}  // namespace nodepool::conformance
