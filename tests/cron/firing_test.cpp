// Which instants become runs, and what is noted of the others.

#include "cron/firing.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "nodepool/ledger.hpp"

namespace nodepool::cron {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

/// 12:00:00 on a day without surprises, and a number of seconds after it.
WallTime noon(double after = 0) {
  return WallTime(seconds(1'700'049'600)) +
         std::chrono::duration_cast<WallTime::duration>(std::chrono::duration<double>(after));
}

JobPlan plan_of(JobPolicy policy = {}, const std::string& expression = "* * * * * *") {
  return {"job", Schedule::parse(expression).value(), policy};
}

/// An owner of the job at some time; the members are the two that live then.
struct Owner {
  std::uint64_t token = 1;
  std::string node = "a";
  std::vector<NodeId> members{NodeId("life of a"), NodeId("life of c")};
  [[nodiscard]] Moment at(double after) const {
    return {noon(after), noon(), {token}, node, NodeId("life of " + node), members};
  }
};
const Owner kFirst{};
const Owner kSecond{2, "b", {NodeId("life of b"), NodeId("life of c")}};

/// As the first decision of all has left it.
JobRecord begun(const JobPlan& plan) {
  JobRecord record;
  record.schedule = text_of(plan.schedule);
  record.decided = noon();
  return record;
}

/// Scheduled seconds after noon.
std::vector<int> starts(const Decision& decision) {
  std::vector<int> after;
  for (const RunMark& run : decision.start) {
    after.push_back(static_cast<int>(std::chrono::duration_cast<seconds>(run.scheduled - noon()).count()));
  }
  return after;
}

/// "missed 3 up to 5", and so on.
std::vector<std::string> notes(const Decision& decision) {
  std::vector<std::string> texts;
  for (const HistoryEntry& entry : decision.entries) {
    texts.push_back(fmt::format("{} {} up to {}", to_string(entry.outcome), entry.count,
                                std::chrono::duration_cast<seconds>(entry.scheduled - noon()).count()));
  }
  return texts;
}

using Numbers = std::vector<int>;
using Texts = std::vector<std::string>;

TEST(Firing, StartsAnInstantOnceAndMarksIt) {
  const JobPlan plan = plan_of();
  EXPECT_FALSE(decide(plan, begun(plan), kFirst.at(0.9)).is_change);
  const Decision decision = decide(plan, begun(plan), kFirst.at(1.2));
  EXPECT_TRUE(decision.is_change);
  EXPECT_EQ(starts(decision), Numbers{1});
  EXPECT_EQ(decision.record.running, decision.start);
  EXPECT_EQ(decision.record.decided, noon(1));
  EXPECT_EQ(decision.record.token, FencingToken{1});
  EXPECT_TRUE(decision.entries.empty());
  EXPECT_FALSE(decide(plan, decision.record, kFirst.at(1.9)).is_change);
  EXPECT_EQ(next_look(plan, decision.record, noon()), noon(2));
}

TEST(Firing, TheFirstDecisionWritesFromWhenOnInstantsCount) {
  const JobPlan plan = plan_of();
  const Decision first = decide(plan, {}, kFirst.at(0.5));
  EXPECT_TRUE(first.is_change);
  EXPECT_TRUE(first.start.empty());
  EXPECT_EQ(first.record.decided, noon());
  EXPECT_EQ(first.record.schedule, "* * * * * * UTC");
  EXPECT_FALSE(decide(plan, first.record, kFirst.at(0.6)).is_change);
}

TEST(Firing, ANewScheduleHasNoPast) {
  const JobPlan before = plan_of({}, "0 0 12 * * *");
  const JobPlan after = plan_of({}, "0 0 10 * * *");
  JobRecord record = begun(before);
  record.decided = noon(-86'400);
  const Decision changed = decide(after, record, kFirst.at(5));
  EXPECT_TRUE(changed.is_change);
  EXPECT_TRUE(changed.start.empty()) << "at ten nobody knew of it";
  EXPECT_EQ(next_look(after, record, noon()), noon(79'200));
  EXPECT_EQ(next_look(after, changed.record, noon(-86'400)), noon(79'200));
}

TEST(Firing, TextsOfSchedulesAreBounded) {
  std::string minutes = "0";
  for (int minute = 1; minute < 60; ++minute) minutes += fmt::format(",{}", minute);
  minutes += "," + minutes;
  const std::string text = text_of(Schedule::parse(minutes + " * * * *").value());
  EXPECT_LE(text.size(), 200U);
  EXPECT_NE(text, text_of(Schedule::parse(minutes + " 1 * * *").value()));
}

TEST(Firing, AnEarlierOwnerHasNoSay) {
  const JobPlan plan = plan_of();
  const Decision later = decide(plan, begun(plan), kSecond.at(1));
  const Decision earlier = decide(plan, later.record, kFirst.at(5));
  EXPECT_TRUE(earlier.is_stale);
  EXPECT_TRUE(earlier.start.empty());
  EXPECT_FALSE(earlier.is_change);
}

TEST(Firing, TheEndIsNotedAndNextInstantsRun) {
  const JobPlan plan = plan_of();
  const Decision first = decide(plan, begun(plan), kFirst.at(1));
  const Decision end =
      end_run(plan, first.record, first.start[0], {Outcome::failed, "code 3"}, kFirst.at(1.5));
  ASSERT_EQ(end.entries.size(), 1U);
  EXPECT_EQ(end.entries[0], (HistoryEntry{.scheduled = noon(1),
                                          .outcome = Outcome::failed,
                                          .started = noon(1),
                                          .ended = noon(1.5),
                                          .token = {1},
                                          .node = "a",
                                          .detail = "code 3"}));
  EXPECT_TRUE(end.record.running.empty());
  EXPECT_EQ(starts(decide(plan, end.record, kFirst.at(2))), Numbers{2});
  EXPECT_FALSE(end_run(plan, end.record, first.start[0], {}, kFirst.at(3)).is_change) << "twice";
}

TEST(Firing, WhatWasMissedFollowsThePolicy) {
  struct Case {
    Missed missed;
    unsigned most;
    Numbers runs;
    Texts noted;
  };
  const std::vector<Case> cases{
      {Missed::skip, 10, {}, {"missed 7 up to 70"}},
      {Missed::once, 10, {70}, {"missed 6 up to 60"}},
      {Missed::all, 10, {10, 20, 30, 40, 50, 60, 70}, {}},
      {Missed::all, 2, {60, 70}, {"missed 5 up to 50"}},
  };
  for (const Case& c : cases) {
    const JobPlan plan =
        plan_of({.missed = c.missed, .overlap = Overlap::allow, .most_catch_up = c.most}, "*/10 * * * * *");
    const Decision decision = decide(plan, begun(plan), kFirst.at(75));
    EXPECT_EQ(starts(decision), c.runs);
    EXPECT_EQ(notes(decision), c.noted);
    EXPECT_EQ(decision.record.decided, noon(70));
  }
}

TEST(Firing, OneThatIsOnTimeStandsForThoseMissedBefore) {
  const JobPlan plan = plan_of({}, "*/10 * * * * *");
  const Decision decision = decide(plan, begun(plan), kFirst.at(71));
  EXPECT_EQ(starts(decision), Numbers{70});
  EXPECT_EQ(notes(decision), Texts{"missed 6 up to 60"});
}

TEST(Firing, MissedOnesRunOneAfterTheOtherUnlessTheyMayOverlap) {
  const JobPlan plan = plan_of({.missed = Missed::all}, "*/10 * * * * *");
  Decision decision = decide(plan, begun(plan), kFirst.at(35));
  for (const int expected : {10, 20, 30}) {
    ASSERT_EQ(starts(decision), Numbers{expected});
    decision = end_run(plan, decision.record, decision.start[0], {}, kFirst.at(35));
  }
  EXPECT_TRUE(decision.start.empty());
  EXPECT_EQ(decision.record.decided, noon(30));
}

TEST(Firing, WhatWaitsIsInheritedByTheNextOwner) {
  const JobPlan plan = plan_of({.missed = Missed::all}, "*/10 * * * * *");
  const Decision before = decide(plan, begun(plan), kFirst.at(35));
  ASSERT_EQ(starts(before), Numbers{10});
  const Decision after = decide(plan, before.record, kSecond.at(36));
  EXPECT_EQ(notes(after), Texts{"lost 1 up to 10"});
  EXPECT_EQ(starts(after), Numbers{20});
  EXPECT_EQ(after.record.running, after.start) << "the mark of a dead node wedges nothing";
  EXPECT_FALSE(end_run(plan, after.record, before.start[0], {}, kFirst.at(40)).is_change) << "from the dead";
}

TEST(Firing, AnOverlapFollowsThePolicy) {
  struct Case {
    Overlap overlap;
    Numbers at_two;
    Texts noted_at_two;
    Texts noted_at_three;
    Numbers at_end;
  };
  const std::vector<Case> cases{
      {Overlap::forbid, {}, {"overlapped 1 up to 2"}, {"overlapped 1 up to 3"}, {}},
      {Overlap::queue, {}, {}, {"overlapped 1 up to 3"}, {2}},
      {Overlap::allow, {2}, {}, {}, {}},
  };
  for (const Case& c : cases) {
    const JobPlan plan = plan_of({.overlap = c.overlap});
    const Decision one = decide(plan, begun(plan), kFirst.at(1));
    const Decision two = decide(plan, one.record, kFirst.at(2));
    EXPECT_EQ(starts(two), c.at_two);
    EXPECT_EQ(notes(two), c.noted_at_two);
    const Decision three = decide(plan, two.record, kFirst.at(3));
    EXPECT_EQ(notes(three), c.noted_at_three);
    const Decision end = end_run(plan, three.record, one.start[0], {}, kFirst.at(3.5));
    EXPECT_EQ(starts(end), c.at_end);
  }
}

TEST(Firing, EvenOverlapsAreBounded) {
  const JobPlan plan = plan_of({.overlap = Overlap::allow});
  JobRecord record = begun(plan);
  std::size_t started = 0;
  for (int second = 1; second <= 40; ++second) {
    const Decision decision = decide(plan, record, kFirst.at(second));
    started += decision.start.size();
    EXPECT_EQ(decision.entries.empty(), second <= static_cast<int>(kMostRuns));
    record = decision.record;
  }
  EXPECT_EQ(started, kMostRuns);
  EXPECT_EQ(record.running.size(), kMostRuns);
  EXPECT_LT(to_json(record).size(), kMaxLedgerValue / 2);
}

TEST(Firing, NothingStartsAfterItsDeadline) {
  const JobPlan all = plan_of({.missed = Missed::all, .deadline = 25s}, "*/10 * * * * *");
  const Decision decision = decide(all, begun(all), kFirst.at(58));
  EXPECT_EQ(starts(decision), Numbers{40});
  EXPECT_EQ(notes(decision), Texts{"missed 3 up to 30"});
  EXPECT_EQ(decision.record.pending, std::vector{noon(50)});
  const Decision end = end_run(all, decision.record, decision.start[0], {}, kFirst.at(76));
  EXPECT_EQ(notes(end), (Texts{"succeeded 1 up to 40", "missed 1 up to 50"}));
  EXPECT_TRUE(end.start.empty());
}

TEST(Firing, ARepetitionKeepsItsMark) {
  const JobPlan plan = plan_of({.retries = 1});
  const Decision first = decide(plan, begun(plan), kFirst.at(1));
  const Decision again =
      end_run(plan, first.record, first.start[0], {Outcome::failed, "", After::repeat}, kFirst.at(1.5));
  ASSERT_EQ(again.record.running.size(), 1U);
  EXPECT_EQ(again.record.running[0].attempt, 2U);
  EXPECT_EQ(again.record.running[0].started, noon(2.5)) << "after its delay";
  EXPECT_EQ(notes(again), Texts{"failed 1 up to 1"});
  const Decision end = end_run(plan, again.record, again.record.running[0], {}, kFirst.at(1.8));
  EXPECT_TRUE(end.record.running.empty());
  EXPECT_EQ(end.entries[0].attempt, 2U);
}

TEST(Firing, APauseIsNotMissed) {
  const JobPlan plan = plan_of();
  const Decision one = decide(plan, begun(plan), kFirst.at(1));
  const JobRecord still = paused(one.record);
  EXPECT_FALSE(decide(plan, still, kFirst.at(9)).is_change);
  EXPECT_EQ(next_look(plan, still, noon()), std::nullopt);
  const Decision end = end_run(plan, still, one.start[0], {}, kFirst.at(9));
  const JobRecord again = resumed(end.record, noon(100.5));
  EXPECT_FALSE(decide(plan, again, kFirst.at(100.9)).is_change);
  const Decision next = decide(plan, again, kFirst.at(101));
  EXPECT_EQ(starts(next), Numbers{101});
  EXPECT_TRUE(next.entries.empty());
}

TEST(Firing, APauseHealsWhatAClockThatWasFarAheadHasDecided) {
  const JobPlan plan = plan_of();
  JobRecord record = begun(plan);
  record.decided = noon(1e6);
  EXPECT_EQ(next_look(plan, resumed(paused(record), noon(5)), noon()), noon(6));
  record.decided = noon(10);
  EXPECT_EQ(next_look(plan, resumed(paused(record), noon(5)), noon()), noon(11)) << "clocks differ a little";
}

TEST(Firing, WhatIsAskedForIsOneMoreRunAndOverlapsLikeOthers) {
  const JobPlan plan = plan_of({}, "0 0 * * *");
  JobRecord record = begun(plan);
  ASSERT_TRUE(ask(record, noon(5)));
  const Decision now = decide(plan, record, kFirst.at(5.1));
  EXPECT_EQ(starts(now), Numbers{5});
  EXPECT_EQ(now.record.decided, noon()) << "the schedule goes on as it was";
  EXPECT_TRUE(now.record.asked.empty());
  JobRecord again = now.record;
  ASSERT_TRUE(ask(again, noon(6)));
  EXPECT_EQ(notes(decide(plan, again, kFirst.at(6))), Texts{"overlapped 1 up to 6"});
}

TEST(Firing, WhatIsAskedForRunsAlsoWhileTheJobIsPaused) {
  const JobPlan plan = plan_of();
  JobRecord record = paused(begun(plan));
  ASSERT_TRUE(ask(record, noon(5)));
  ASSERT_TRUE(ask(record, noon(5)));
  const Decision now = decide(plan, record, kFirst.at(5.1));
  EXPECT_EQ(starts(now), Numbers{5});
  EXPECT_EQ(notes(now), Texts{"overlapped 1 up to 5"});
  EXPECT_EQ(starts(decide(plan, now.record, kFirst.at(9))), Numbers{});
}

TEST(Firing, OnlySoMuchCanBeAskedFor) {
  JobRecord record;
  for (std::size_t count = 0; count < kMostRuns; ++count) EXPECT_TRUE(ask(record, noon(5)));
  EXPECT_FALSE(ask(record, noon(5)));
  std::set<WallTime> instants(record.asked.begin(), record.asked.end());
  EXPECT_EQ(instants.size(), kMostRuns) << "each is known by an instant of its own";
}

TEST(Firing, AStartThatCouldNotBeMadeWaitsForTheNextOwner) {
  const JobPlan plan = plan_of();
  const Decision one = decide(plan, begun(plan), kFirst.at(1));
  const Decision back = give_back(one.record, one.start[0], kFirst.at(1.1));
  EXPECT_TRUE(back.is_change);
  EXPECT_TRUE(back.record.running.empty());
  EXPECT_EQ(starts(decide(plan, back.record, kSecond.at(1.2))), Numbers{1});
  EXPECT_FALSE(give_back(back.record, one.start[0], kFirst.at(1.3)).is_change) << "twice";
}

TEST(Firing, ARunOfAMemberThatLivesIsWaitedFor) {
  const JobPlan plan = plan_of();
  const Decision before = decide(plan, begun(plan), kFirst.at(1));
  Owner other = kSecond;
  other.members = {NodeId("life of a"), NodeId("life of b")};
  const Decision after = decide(plan, before.record, other.at(2));
  EXPECT_EQ(notes(after), Texts{"overlapped 1 up to 2"});
  EXPECT_EQ(after.record.running, before.start);
}

TEST(Firing, ALeavingNodeStartsNothingMore) {
  const JobPlan plan = plan_of({.overlap = Overlap::queue});
  const Decision one = decide(plan, begun(plan), kFirst.at(1));
  const Decision two = decide(plan, one.record, kFirst.at(2));
  const Decision end =
      end_run(plan, two.record, one.start[0], {Outcome::stopped, "", After::leave}, kFirst.at(2.5));
  EXPECT_TRUE(end.start.empty());
  EXPECT_EQ(starts(decide(plan, end.record, kSecond.at(2.6))), Numbers{2});
}

TEST(Firing, TenDaysOfSecondsAreCountedExactly) {
  const JobPlan plan = plan_of({.missed = Missed::skip});
  constexpr int kDay = 86'400;
  const Decision decision = decide(plan, begun(plan), kFirst.at(10.0 * kDay + 0.5));
  EXPECT_EQ(notes(decision), Texts{fmt::format("missed {} up to {}", 10 * kDay - 2, 10 * kDay - 2)});
  EXPECT_EQ(starts(decision), Numbers{10 * kDay - 1}) << "what is on time follows one after the other";
  EXPECT_EQ(decision.record.pending, std::vector{noon(10 * kDay)});
}

TEST(Firing, JitterSpreadsStartsAndIsTheSameEverywhere) {
  const JobPlan plan = plan_of({.jitter = 10s}, "*/30 * * * * *");
  const auto delay = delay_of(plan, noon(30));
  EXPECT_LT(delay, 10s);
  EXPECT_NE(delay, delay_of(plan, noon(60)));
  EXPECT_EQ(next_look(plan, begun(plan), noon()), noon(30) + delay);
  const double after = std::chrono::duration<double>(delay).count();
  EXPECT_FALSE(decide(plan, begun(plan), kFirst.at(30 + after - 0.01)).is_change);
  EXPECT_EQ(starts(decide(plan, begun(plan), kFirst.at(30 + after + 0.01))), Numbers{30});
}

TEST(Firing, RetriesWaitTwiceAsLongEachTimeUpToAnHour) {
  const JobPolicy policy{.retry_delay = 1s};
  EXPECT_EQ(retry_delay(policy, 2), 1s);
  EXPECT_EQ(retry_delay(policy, 4), 4s);
  EXPECT_EQ(retry_delay(policy, 100), 1h);
}

}  // namespace
}  // namespace nodepool::cron
