#include <gtest/gtest.h>

#include "cli/parts/clock_text.hpp"
#include "cli/parts/timeline.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::cli;
using std::chrono::nanoseconds;

WallTime tick(int time) {
  return from_unix_ns(time);
}

Event granted(int time, const std::string& job) {
  return GrantedEvent{tick(time), job, FencingToken{1}, {}};
}
Event revoked(int time, const std::string& job, int last) {
  return RevokedEvent{tick(time), job, tick(last), RevokeReason::moved, FencingToken{1}, {}};
}
Event state(int time, NodeState state, std::uint64_t epoch) {
  return StateEvent{tick(time), state, Epoch{epoch}, {}};
}
Event view(int time, std::uint64_t epoch, std::vector<std::string> members) {
  return ViewEvent{tick(time), Epoch{epoch}, false, std::move(members), {}};
}

NodeRecord record(const std::string& node, std::vector<Event> events) {
  return {node, std::move(events), std::nullopt};
}

std::vector<Overlap> overlaps(const std::vector<NodeRecord>& records) {
  return overlaps_of(intervals_of(records, tick(1000)));
}

TEST(CliTimeline, AnIntervalLastsFromTheFirstYesToTheLast) {
  const auto intervals =
      intervals_of({record("a", {granted(10, "x"), revoked(21, "x", 20), granted(30, "x")})}, tick(99));
  EXPECT_EQ(intervals,
            (std::vector<Interval>{{"x", "a", tick(10), tick(20)}, {"x", "a", tick(30), tick(99)}}));
}

TEST(CliTimeline, TheIntervalsOfAKilledNodeEndAtTheKill) {
  NodeRecord killed = record("a", {granted(10, "x")});
  killed.killed_at = tick(40);
  EXPECT_EQ(intervals_of({killed}, tick(99)), (std::vector<Interval>{{"x", "a", tick(10), tick(40)}}));
}

TEST(CliTimeline, TwoOwnersAtOneInstantAreFound) {
  const auto found =
      overlaps({record("a", {granted(10, "x"), revoked(31, "x", 30)}), record("b", {granted(29, "x")})});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].job, "x");
  EXPECT_EQ(found[0].one, "a");
  EXPECT_EQ(found[0].other, "b");
  EXPECT_EQ(found[0].from, tick(29));
  EXPECT_EQ(found[0].until, tick(30));
}

TEST(CliTimeline, AnOverlapIsFoundBehindAShorterInterval) {
  // The long one of a hides behind the short one of b in the order by beginning.
  const auto found =
      overlaps({record("a", {granted(10, "x"), revoked(91, "x", 90)}),
                record("b", {granted(20, "x"), revoked(31, "x", 30)}), record("c", {granted(50, "x")})});
  EXPECT_EQ(found.size(), 2U);
}

TEST(CliTimeline, OwnersOneAfterTheOtherDoNotOverlap) {
  EXPECT_TRUE(
      overlaps({record("a", {granted(10, "x"), revoked(31, "x", 30)}), record("b", {granted(30, "x")})})
          .empty());
  EXPECT_TRUE(overlaps({record("a", {granted(10, "x")}), record("b", {granted(10, "y")})}).empty());
  EXPECT_TRUE(overlaps({record("a", {granted(10, "x")}), record("a", {granted(20, "x")})}).empty())
      << "two lives of a node";
}

TEST(CliTimeline, ASingleYesInsideAnotherIntervalIsAnOverlap) {
  // One yes, somewhere between 40 and 45.
  const NodeRecord single = record("b", {granted(45, "x"), revoked(50, "x", 40)});
  EXPECT_EQ(overlaps({record("a", {granted(10, "x"), revoked(61, "x", 60)}), single}).size(), 1U);
  EXPECT_TRUE(overlaps({record("a", {granted(10, "x"), revoked(43, "x", 42)}), single}).empty())
      << "cannot be told";
  EXPECT_TRUE(overlaps({record("a", {granted(42, "x")}), single}).empty()) << "cannot be told";
}

TEST(CliTimeline, AFrozenNodeThatWakesLateMakesNoOverlap) {
  EXPECT_TRUE(
      overlaps({record("a", {granted(10, "x"), revoked(500, "x", 20)}), record("b", {granted(100, "x")})})
          .empty());
}

TEST(CliTimeline, MovedJobsPauseFromTheLastYesToTheNextFirst) {
  const std::vector<NodeRecord> records{
      record("a", {granted(10, "x"), granted(10, "y"), revoked(106, "x", 105)}),
      record("b", {granted(130, "x")})};
  const auto report =
      report_of({"b joins", tick(100), tick(200), {}}, records, intervals_of(records, tick(300)));
  EXPECT_EQ(report.moved, (std::map<std::string, nanoseconds>{{"x", nanoseconds(25)}}));
  EXPECT_EQ(report.unmoved, (std::map<std::string, nanoseconds>{{"y", nanoseconds(0)}}));
  EXPECT_TRUE(report.unowned.empty());
}

TEST(CliTimeline, AnUnmovedJobThatWasInterruptedHasPaused) {
  const std::vector<NodeRecord> records{
      record("a", {granted(10, "x"), revoked(121, "x", 120), granted(150, "x")})};
  const auto report = report_of({"", tick(100), tick(200), {}}, records, intervals_of(records, tick(300)));
  EXPECT_EQ(report.unmoved, (std::map<std::string, nanoseconds>{{"x", nanoseconds(30)}}));
}

TEST(CliTimeline, AJobThatTravelsOverAThirdNodePausesTwice) {
  const std::vector<NodeRecord> records{record("a", {granted(10, "x"), revoked(111, "x", 110)}),
                                        record("b", {granted(120, "x"), revoked(131, "x", 130)}),
                                        record("c", {granted(145, "x")})};
  const auto report = report_of({"", tick(100), tick(200), {}}, records, intervals_of(records, tick(300)));
  EXPECT_EQ(report.moved.at("x"), nanoseconds(25));
}

TEST(CliTimeline, AJobThatNobodyTakesOverIsUnowned) {
  const std::vector<NodeRecord> records{record("a", {granted(10, "x"), revoked(111, "x", 110)})};
  const auto report = report_of({"", tick(100), tick(200), {}}, records, intervals_of(records, tick(300)));
  EXPECT_EQ(report.unowned, std::vector<std::string>{"x"});
}

TEST(CliTimeline, AllAreSteadyWhenTheLastOneIs) {
  const std::vector<NodeRecord> records{
      record("a", {state(10, NodeState::steady, 1), view(110, 2, {"a", "b"}),
                   state(110, NodeState::upgrading, 2), state(140, NodeState::steady, 2)}),
      record("b", {view(120, 2, {"a", "b"}), state(120, NodeState::joining, 2),
                   state(150, NodeState::steady, 2)})};
  EXPECT_EQ(report_of({"", tick(100), tick(200), {"a", "b"}}, records, {}).steady_after, nanoseconds(50));
  EXPECT_FALSE(report_of({"", tick(100), tick(145), {"a", "b"}}, records, {}).steady_after)
      << "b was not yet";
  EXPECT_FALSE(report_of({"", tick(100), tick(200), {"a", "b", "c"}}, records, {}).steady_after)
      << "c told nothing";
}

TEST(CliTimeline, SteadyInDifferentViewsIsNotSteady) {
  const std::vector<NodeRecord> records{record("a", {state(10, NodeState::steady, 1)}),
                                        record("b", {state(10, NodeState::steady, 2)})};
  EXPECT_FALSE(report_of({"", tick(0), tick(100), {"a", "b"}}, records, {}).steady_after);
}

TEST(CliTimeline, NowIsWhatTheEventsSoFarTell) {
  const NodeRecord node = record("a", {view(10, 3, {"a", "b"}), state(20, NodeState::steady, 3),
                                       granted(21, "x"), granted(22, "y"), revoked(30, "x", 29)});
  const NodeNow early = now_of(node, tick(25));
  EXPECT_EQ(early.state, NodeState::steady);
  EXPECT_EQ(early.epoch, Epoch{3});
  EXPECT_EQ(early.members, 2U);
  EXPECT_EQ(early.since, tick(20));
  EXPECT_EQ(early.jobs, (std::set<std::string>{"x", "y"}));
  EXPECT_EQ(now_of(node, tick(30)).jobs, std::set<std::string>{"y"});
}

TEST(CliTimeline, ASpreadHasItsMiddle) {
  const Spread spread = spread_of({{"a", nanoseconds(9)}, {"b", nanoseconds(1)}, {"c", nanoseconds(5)}});
  EXPECT_EQ(spread.min, nanoseconds(1));
  EXPECT_EQ(spread.median, nanoseconds(5));
  EXPECT_EQ(spread.max, nanoseconds(9));
  EXPECT_EQ(spread_of({}).max, nanoseconds(0));
}

}  // namespace
