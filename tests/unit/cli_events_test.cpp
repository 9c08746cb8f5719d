#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/parts/clock_text.hpp"
#include "cli/parts/events.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::cli;

const WallTime kNow = from_unix_ns(1'700'000'000'123'456'789);
const WallTime kBefore = from_unix_ns(1'700'000'000'023'456'789);
const Teller kTeller{"web-1", "00112233445566778899aabbccddeeff"};

TEST(CliEvents, AreTheLinesThatOtherProgramsParse) {
  EXPECT_EQ(to_json(StateEvent{kNow, NodeState::steady, Epoch{7}, kTeller}),
            R"({"ts_ns":1700000000123456789,"event":"state","state":"steady","epoch":7,"node":"web-1",)"
            R"("id":"00112233445566778899aabbccddeeff"})");
  EXPECT_EQ(to_json(GrantedEvent{kNow, "job7", FencingToken{9}, kTeller}),
            R"({"ts_ns":1700000000123456789,"event":"granted","job":"job7","token":9,"node":"web-1",)"
            R"("id":"00112233445566778899aabbccddeeff"})");
  EXPECT_EQ(to_json(RevokedEvent{kNow, "job7", kBefore, RevokeReason::lease_lost, FencingToken{9}, kTeller}),
            R"({"ts_ns":1700000000123456789,"event":"revoked","job":"job7","last_ns":1700000000023456789,)"
            R"("reason":"lease_lost","token":9,"node":"web-1","id":"00112233445566778899aabbccddeeff"})");
}

TEST(CliEvents, SurviveTheWayThroughALine) {
  const std::vector<Event> events{
      StateEvent{kNow, NodeState::suspended, Epoch{1ULL << 40}, kTeller},
      ViewEvent{kNow, Epoch{3}, true, {"a", "b"}, kTeller},
      GrantedEvent{kNow, "a \"quoted\" job", FencingToken{~0ULL}, kTeller},
      RevokedEvent{kNow, "job", kBefore, RevokeReason::draining, FencingToken{4}, kTeller},
      ChecksEvent{kNow, 12345, std::chrono::nanoseconds(1'500'000), kTeller},
  };
  for (const Event& event : events) {
    const auto again = parse_event(to_json(event));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, event) << to_json(event);
  }
}

TEST(CliEvents, AJobWithBrokenUtf8StillMakesALine) {
  const std::string line = to_json(GrantedEvent{kNow, "job\xff", FencingToken{1}, kTeller});
  EXPECT_TRUE(nlohmann::json::accept(line)) << line;
}

TEST(CliEvents, OtherLinesAreNoEvents) {
  for (const char* line :
       {"", "{}", "[]", "hello", R"({"event":"granted"})", R"({"ts_ns":1,"event":"nonsense","node":"a"})",
        R"({"ts_ns":1,"event":"state","state":"happy","epoch":1,"node":"a"})",
        R"({"ts_ns":1,"event":"granted","job":7,"token":1,"node":"a"})"}) {
    EXPECT_FALSE(parse_event(line)) << line;
  }
}

TEST(CliEvents, EveryNoHasOneOfTheFourReasons) {
  EXPECT_EQ(revoke_reason(Reason::not_owner), RevokeReason::moved);
  EXPECT_EQ(revoke_reason(Reason::settling), RevokeReason::moved);
  EXPECT_EQ(revoke_reason(Reason::held_by_other), RevokeReason::moved);
  EXPECT_EQ(revoke_reason(Reason::lease_lost), RevokeReason::lease_lost);
  EXPECT_EQ(revoke_reason(Reason::joining), RevokeReason::lease_lost);
  EXPECT_EQ(revoke_reason(Reason::draining), RevokeReason::draining);
  EXPECT_EQ(revoke_reason(Reason::stopped), RevokeReason::stopped);
}

}  // namespace
