#include "scheduler/roster.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "nodepool/memory.hpp"
#include "nodepool/ring.hpp"
#include "scheduler/book.hpp"
#include "scheduler/crew.hpp"

namespace nodepool::cron {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

NodeId life(int number) {
  return NodeId(fmt::format("{:016x}{:016x}", hash_key(std::to_string(number)), 0));
}
MonotonicTime in_a_second() {
  return BootClock::now() + 1s;
}

TEST(Roster, HasEachMemberUnderItsLastList) {
  Roster roster;
  const std::vector<NodeId> members{life(1), life(2)};
  EXPECT_TRUE(roster.enter(life(1), "old", members));
  EXPECT_FALSE(roster.enter(life(1), "old", members)) << "it is there already";
  EXPECT_TRUE(roster.enter(life(2), "old", members));
  EXPECT_TRUE(roster.enter(life(1), "new", members));
  EXPECT_EQ(roster.digest_of(life(1)), "new");
  EXPECT_EQ(roster.digest_of(life(2)), "old");
  EXPECT_EQ(roster.digest_of(life(3)), "");
  EXPECT_TRUE(roster.enter(life(1), "new", std::vector{life(1)})) << "the other one is no member any more";
  EXPECT_EQ(roster.digest_of(life(2)), "");
  EXPECT_THAT(roster.retired, ElementsAre("old"));
  EXPECT_TRUE(roster.enter(life(1), "old", std::vector{life(1)}));
  EXPECT_THAT(roster.retired, ElementsAre("new"));
}

TEST(Roster, TellsWhatHasChangedUnlessItIsTooMuch) {
  Roster roster;
  for (int job = 1; job <= 20; ++job) roster.note_change(std::to_string(job));
  EXPECT_THAT(*roster.changed_since(20), IsEmpty());
  EXPECT_THAT(*roster.changed_since(18), ElementsAre("19", "20"));
  EXPECT_FALSE(roster.changed_since(2));
  EXPECT_THAT(*roster.changed_since(99), IsEmpty()) << "the store has lost some";
}

TEST(Roster, OfAThousandNodesFitsIntoItsRecord) {
  Roster roster;
  std::vector<NodeId> members;
  for (int number = 0; number < 1000; ++number) members.push_back(life(number));
  for (const NodeId& member : members) roster.enter(member, "0123456789abcdef", members);
  for (int job = 0; job < 100; ++job) roster.note_change(std::string(480, 'x'));
  const std::string text = to_json(roster);
  EXPECT_GT(text.size(), 10'000U);
  EXPECT_LE(text.size(), kMaxLedgerValue);
  EXPECT_EQ(parse_roster(text).value(), roster);
  for (const char* broken : {"{", "[]", R"({"lives":1})"}) {
    EXPECT_EQ(parse_roster(broken).error().code, ErrorCode::store_corrupt);
  }
}

TEST(RosterBook, KeepsListsUnderTheirDigests) {
  const auto driver = open_memory();
  const auto ledger = driver->open_ledger(ServiceName("fleet"));
  RosterBook book(*ledger);
  std::vector<std::string> names;
  for (int job = 0; job < 5000; ++job) names.push_back("job" + std::to_string(job));
  const JobList list(names);
  EXPECT_EQ(book.list(list.digest(), in_a_second()).error().code, ErrorCode::not_found);
  ASSERT_TRUE(book.enter(life(1), list, std::vector{life(1)}, in_a_second()));
  const auto read = book.list(list.digest(), in_a_second());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->hashes(), list.hashes());
  EXPECT_TRUE(read->has("job4999"));
  EXPECT_FALSE(read->has("job5000"));
  // Old ones are forgotten some time.
  for (int version = 0; version < 20; ++version) {
    const std::vector<std::string> one{"only" + std::to_string(version)};
    ASSERT_TRUE(book.enter(life(1), JobList(one), std::vector{life(1)}, in_a_second()));
  }
  EXPECT_EQ(book.list(list.digest(), in_a_second()).error().code, ErrorCode::not_found);
  EXPECT_LT(ledger->all(in_a_second())->size(), 25U);
}

TEST(Book, EntriesOfOneStepFitTogether) {
  std::vector<HistoryEntry> entries(40);
  for (HistoryEntry& entry : entries) {
    entry.node = "node";
    entry.detail = std::string(kMaxDetail, '\x01');
  }
  EXPECT_LE(joined(entries).size(), kMaxLedgerEntry);
  EXPECT_EQ(joined({}), "");
  HistoryEntry one;
  one.detail = "some text";
  EXPECT_EQ(parse_history_entry(joined({one})).value(), one);
}

TEST(Crew, DoesAsMuchAtOnceAsItHasThreadsAndTheRestLater) {
  std::atomic<int> done = 0;
  std::atomic<int> waiting = 0;
  std::atomic<bool> go = false;
  {
    Crew crew(2);
    for (int work = 0; work < 5; ++work) {
      crew.give([&] {
        ++waiting;
        while (!go) std::this_thread::yield();
        ++done;
      });
    }
    while (waiting < 2) std::this_thread::yield();
    EXPECT_TRUE(crew.is_full());
    go = true;
    while (done < 5) std::this_thread::yield();
    while (crew.is_full()) std::this_thread::yield();
  }
  EXPECT_EQ(done, 5);
}

}  // namespace
}  // namespace nodepool::cron
