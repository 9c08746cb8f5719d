// The checker must find what is wrong: streams of events that were doctored.

#include "fault/parts/checker.hpp"

#include <gtest/gtest.h>

#include "nodepool/ring.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;
using namespace nodepool::cli;
using namespace nodepool::fault;

WallTime at(std::chrono::milliseconds time) {
  return WallTime(1'700'000'000s + time);
}

GrantedEvent granted(std::chrono::milliseconds time, const std::string& job, std::uint64_t token) {
  return {at(time), job, {token}, {}};
}

RevokedEvent revoked(std::chrono::milliseconds time, const std::string& job, std::uint64_t token,
                     RevokeReason reason = RevokeReason::moved) {
  return {at(time), job, at(time), reason, {token}, {}};
}

ViewEvent view(std::chrono::milliseconds time, std::uint64_t epoch, const std::vector<std::string>& members) {
  return {at(time), {epoch}, false, members, {}};
}

/// A job that this one owns, of a and b.
std::string job_of(const std::string& node) {
  const HashRing ring = HashRing::build({{"a"}, {"b"}}, 50).value();
  for (int number = 0;; ++number) {
    if (const std::string job = "job" + std::to_string(number); ring.owner(job)->name == node) return job;
  }
}

/// Node a has all, then b joins and gets its part: as it should be.
std::vector<NodeRecord> good_stream() {
  const std::string moving = job_of("b");
  return {{"a",
           {view(0ms, 1, {"a"}), granted(10ms, job_of("a"), 1), granted(10ms, moving, 1),
            view(100ms, 2, {"a", "b"}), revoked(101ms, moving, 1)},
           {}},
          {"b", {view(100ms, 2, {"a", "b"}), granted(120ms, moving, 2)}, {}}};
}

std::string promises(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& violation : violations) text += violation.promise + " ";
  return text;
}

TEST(Checker, IsContentWithAGoodStream) {
  EXPECT_EQ(promises(check_promises(good_stream(), at(1s))), "");
}

TEST(Checker, FindsTwoOwnersForAMicrosecond) {
  const std::vector<NodeRecord> apart{{"a", {granted(0ms, "j", 1), revoked(50ms, "j", 1)}, {}},
                                      {"b", {granted(51ms, "j", 2)}, {}}};
  EXPECT_TRUE(check_one_owner(apart, at(1s)).empty());
  std::vector<NodeRecord> doctored = apart;
  std::get<GrantedEvent>(doctored[1].events[0]).at = at(50ms) - 1us;
  EXPECT_EQ(promises(check_one_owner(doctored, at(1s))), "P1 ");
}

TEST(Checker, FindsAnOwnerThatNeverStopped) {
  const std::vector<NodeRecord> doctored{{"a", {granted(0ms, "j", 1)}, {}},
                                         {"b", {granted(51ms, "j", 2)}, {}}};
  EXPECT_EQ(promises(check_promises(doctored, at(1s))), "P1 ");
}

TEST(Checker, FindsAJobThatStoppedThoughItStayed) {
  std::vector<NodeRecord> doctored = good_stream();
  const std::string kept = job_of("a");
  doctored[0].events.emplace_back(revoked(110ms, kept, 1));
  EXPECT_EQ(promises(check_promises(doctored, at(1s))), "P3 ");
  doctored[0].events.back() = revoked(110ms, kept, 1, RevokeReason::lease_lost);
  EXPECT_EQ(promises(check_promises(doctored, at(1s))), "") << "a lost lease stops everything";
  doctored[0].events.back() = revoked(110ms, job_of("b"), 1);
  EXPECT_EQ(promises(check_only_what_moves_stops(doctored)), "") << "this one was moved";
}

TEST(Checker, FindsTokensThatFall) {
  const auto stream = [](std::uint64_t second, std::uint64_t third) {
    return std::vector<NodeRecord>{
        {"a", {granted(0ms, "j", 5), revoked(10ms, "j", 7), granted(40ms, "j", third)}, {}},
        {"b", {granted(20ms, "j", second), revoked(30ms, "j", second)}, {}}};
  };
  EXPECT_EQ(promises(check_tokens_grow(stream(8, 9))), "");
  EXPECT_EQ(promises(check_tokens_grow(stream(7, 9))), "P5 ") << "another owner's token must be greater";
  EXPECT_EQ(promises(check_tokens_grow(stream(8, 8))), "P5 ");
  EXPECT_EQ(promises(check_tokens_grow(stream(9, 6))), "P5 ");
}

TEST(Checker, FindsATokenThatFallsWhileAJobIsKept) {
  const std::vector<NodeRecord> doctored{{"a", {granted(0ms, "j", 5), revoked(10ms, "j", 4)}, {}}};
  EXPECT_EQ(promises(check_tokens_grow(doctored)), "P5 ");
}

TEST(Checker, NamesTheNodesThatLostTheirLease) {
  const std::vector<NodeRecord> records{{"a", {StateEvent{at(5ms), NodeState::suspended, {1}, {}}}, {}},
                                        {"b", {StateEvent{at(5ms), NodeState::steady, {1}, {}}}, {}}};
  EXPECT_EQ(lost_their_lease(records, at(0ms), at(10ms)), std::vector<std::string>{"a"});
  EXPECT_TRUE(lost_their_lease(records, at(6ms), at(10ms)).empty());
}

}  // namespace
