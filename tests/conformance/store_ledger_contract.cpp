#include <fmt/core.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <thread>

#include "conformance/store_contract.hpp"

/// What every store's ledger promises: compare-and-set for each job, and a bounded history.

namespace nodepool::conformance {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kBinary("\0\xff\xfe 1\r\n$5\r\n\0'\"}", 16);

/// A ledger that has a driver of its own.
class OwnLedger {
 public:
  explicit OwnLedger(std::shared_ptr<Driver> driver, const std::string& service = "service")
      : driver_(std::move(driver)), ledger_(driver_->open_ledger(ServiceName(service))) {}
  Ledger* operator->() const { return ledger_.get(); }

  /// The step must reach the store; the record that is there then.
  [[nodiscard]] LedgerRecord put(const LedgerUpdate& update) const {
    const auto done = ledger_->write(update, soon());
    EXPECT_TRUE(done) << done.error().message;
    EXPECT_TRUE(done && done->written) << update.job;
    return done ? done->record : LedgerRecord{};
  }
  [[nodiscard]] LedgerRecord get(const std::string& job) const {
    const auto record = ledger_->read(job, soon());
    EXPECT_TRUE(record) << record.error().message;
    return record.value_or(LedgerRecord{});
  }
  [[nodiscard]] std::vector<std::string> entries(const std::string& job, std::size_t most = 1000) const {
    const auto entries = ledger_->history(job, most, soon());
    EXPECT_TRUE(entries) << entries.error().message;
    return entries.value_or(std::vector<std::string>{});
  }

 private:
  std::shared_ptr<Driver> driver_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_P(StoreContract, LedgerKnowsNothingAtFirst) {
  const OwnLedger ledger(connect());
  EXPECT_EQ(ledger.get("report"), LedgerRecord{.job = "report"});
  EXPECT_THAT(ledger.entries("report"), IsEmpty());
  EXPECT_THAT(ledger->all(soon()).value(), IsEmpty());
  EXPECT_FALSE(ledger->erase("report", 0, soon()).value());
  EXPECT_FALSE(ledger->erase("report", 7, soon()).value());
}

TEST_P(StoreContract, LedgerWritesExactlyIfTheVersionIsTheExpectedOne) {
  const OwnLedger one(connect());
  const OwnLedger other(connect());
  const auto early = one->write({.job = "report", .expected = 7, .value = "lost"}, soon());
  ASSERT_TRUE(early) << early.error().message;
  EXPECT_FALSE(early->written);
  EXPECT_EQ(early->record, LedgerRecord{.job = "report"});

  const LedgerRecord first = one.put({.job = "report", .expected = 0, .value = "first", .entry = "1"});
  EXPECT_GT(first.version, 1'000'000'000'000'000U) << "microseconds since 1970";
  EXPECT_EQ(other.get("report"), first);
  for (const std::uint64_t stale : {std::uint64_t{0}, first.version - 1, first.version + 1}) {
    const auto refused =
        other->write({.job = "report", .expected = stale, .value = "lost", .entry = "lost"}, soon());
    ASSERT_TRUE(refused) << refused.error().message;
    EXPECT_FALSE(refused->written);
    EXPECT_EQ(refused->record, first);
  }
  const LedgerRecord second = other.put({.job = "report", .expected = first.version, .value = ""});
  EXPECT_GT(second.version, first.version);
  EXPECT_EQ(second.value, "");
  EXPECT_EQ(one.get("report"), second);
  EXPECT_THAT(one.entries("report"), ElementsAre("1"));
  EXPECT_EQ(one.get("other"), LedgerRecord{.job = "other"});
}

/// Adds one to the number in the record, however often it takes; the versions that it wrote.
std::vector<std::uint64_t> count_up(const OwnLedger& ledger, int times) {
  std::vector<std::uint64_t> versions;
  LedgerRecord seen = ledger.get("counter");
  while (versions.size() < static_cast<std::size_t>(times)) {
    int number = 0;
    std::from_chars(seen.value.data(), seen.value.data() + seen.value.size(), number);
    const std::string next = std::to_string(number + 1);
    auto done = ledger->write(
        {.job = "counter", .expected = seen.version, .value = next, .entry = next, .keep = 300}, soon());
    if (!done) {
      ADD_FAILURE() << done.error().message;
      break;
    }
    if (done->written) versions.push_back(done->record.version);
    seen = std::move(done->record);
  }
  return versions;
}

TEST_P(StoreContract, LedgerLosesNoStepOfFourThatCountAtOnce) {
  constexpr int kEach = 50;
  std::vector<OwnLedger> ledgers;
  for (int number = 0; number < 4; ++number) ledgers.emplace_back(connect());
  std::vector<std::vector<std::uint64_t>> versions(ledgers.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t index = 0; index < ledgers.size(); ++index) {
      threads.emplace_back([&, index] { versions[index] = count_up(ledgers[index], kEach); });
    }
  }
  EXPECT_EQ(ledgers[0].get("counter").value, "200");
  std::set<std::uint64_t> distinct;
  for (const auto& each : versions) {
    EXPECT_TRUE(std::ranges::is_sorted(each));
    distinct.insert(each.begin(), each.end());
  }
  EXPECT_EQ(distinct.size(), 200U);
  EXPECT_EQ(ledgers[0].get("counter").version, *distinct.rbegin());
  const auto entries = ledgers[1].entries("counter");
  ASSERT_EQ(entries.size(), 200U);
  for (std::size_t index = 0; index < entries.size(); ++index)
    EXPECT_EQ(entries[index], std::to_string(200 - index));
}

TEST_P(StoreContract, LedgerKeepsTheNewestEntriesNewestFirst) {
  const OwnLedger ledger(connect());
  std::uint64_t version = 0;
  const auto step = [&](const std::string& entry, std::size_t keep) {
    version = ledger.put({.job = "report", .expected = version, .value = "v", .entry = entry, .keep = keep})
                  .version;
  };
  for (int number = 1; number <= 5; ++number) step(std::to_string(number), 3);
  EXPECT_THAT(ledger.entries("report"), ElementsAre("5", "4", "3"));
  EXPECT_THAT(ledger.entries("report", 2), ElementsAre("5", "4"));
  EXPECT_THAT(ledger.entries("report", 0), IsEmpty());
  step("", 1);
  EXPECT_THAT(ledger.entries("report"), ElementsAre("5", "4", "3")) << "no entry, so none is dropped";
  step(kBinary, 2);
  EXPECT_THAT(ledger.entries("report"), ElementsAre(kBinary, "5"));
  step("none stays", 0);
  EXPECT_THAT(ledger.entries("report"), IsEmpty());
  EXPECT_THAT(ledger.entries("other"), IsEmpty());
}

TEST_P(StoreContract, LedgerNeverGivesAVersionTwiceAlsoAfterErase) {
  const OwnLedger ledger(connect());
  std::uint64_t newest = 0;
  for (int round = 0; round < 5; ++round) {
    const LedgerRecord record =
        ledger.put({.job = "report", .expected = 0, .value = "same", .entry = "same"});
    EXPECT_GT(record.version, newest);
    EXPECT_FALSE(ledger->erase("report", newest, soon()).value());
    EXPECT_EQ(ledger.get("report"), record);
    EXPECT_TRUE(ledger->erase("report", record.version, soon()).value());
    EXPECT_EQ(ledger.get("report"), LedgerRecord{.job = "report"});
    EXPECT_THAT(ledger.entries("report"), IsEmpty());
    EXPECT_THAT(ledger->all(soon()).value(), IsEmpty());
    EXPECT_FALSE(ledger->erase("report", record.version, soon()).value());
    newest = record.version;
  }
}

/// More than a store tells at once. How many there can be is each store's own test.
TEST_P(StoreContract, LedgerListsEveryJobInOrder) {
  constexpr int kJobs = 700;
  const OwnLedger writer(connect());
  for (int number = kJobs - 1; number >= 0; --number) {
    const std::string job = fmt::format("job-{:05}", number);
    (void)writer.put({.job = job, .expected = 0, .value = "value of " + job});
  }
  const OwnLedger reader(connect());
  const auto records = reader->all(soon());
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_EQ(records->size(), kJobs);
  for (int number = 0; number < kJobs; ++number) {
    const LedgerRecord& record = (*records)[static_cast<std::size_t>(number)];
    ASSERT_EQ(record.job, fmt::format("job-{:05}", number));
    ASSERT_EQ(record.value, "value of " + record.job);
    ASSERT_GT(record.version, 0U);
  }
}

TEST_P(StoreContract, LedgerCarriesOddNamesAndBytesUnharmed) {
  const OwnLedger ledger(connect());
  const std::vector<std::string> jobs{"a",
                                      "a:history:b",
                                      "b",
                                      "{other}:ledger",
                                      "}{'\"\\`;--*?[x]%s$(id)",
                                      " spaces ",
                                      "0",
                                      "\u00e4\u2603\U0001F600",
                                      std::string(kMaxJobName, 'x')};
  std::map<std::string, LedgerRecord> expected;
  for (const std::string& job : jobs) {
    expected[job] =
        ledger.put({.job = job, .expected = 0, .value = kBinary + job, .entry = job + kBinary, .keep = 1});
  }
  const auto all = ledger->all(soon());
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), expected.size());
  EXPECT_TRUE(std::ranges::equal(*all, expected, {}, {}, [](const auto& each) { return each.second; }));
  for (const auto& [job, record] : expected) {
    EXPECT_EQ(ledger.get(job), record);
    EXPECT_THAT(ledger.entries(job), ElementsAre(job + kBinary));
  }
  const LedgerRecord large = ledger.put({.job = "a",
                                         .expected = expected["a"].version,
                                         .value = std::string(kMaxLedgerValue, '\xff'),
                                         .entry = std::string(kMaxLedgerEntry, '\0'),
                                         .keep = kMaxLedgerHistory});
  EXPECT_EQ(ledger.get("a"), large);
  EXPECT_EQ(ledger.entries("a", 1), std::vector{std::string(kMaxLedgerEntry, '\0')});
}

TEST_P(StoreContract, LedgerRefusesWhatIsBeyondALimitInOneSentence) {
  const OwnLedger ledger(connect());
  const auto expect_refused = [](const auto& result, const std::string& reason) {
    ASSERT_FALSE(result) << reason;
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument) << result.error().message;
    EXPECT_THAT(result.error().message, HasSubstr(reason));
  };
  const std::string long_name(kMaxJobName + 1, 'x');
  for (const std::string& job : {std::string(), long_name, std::string("a\nb"), std::string("\xff")}) {
    expect_refused(ledger->read(job, soon()), "job name");
    expect_refused(ledger->write({.job = job, .expected = 0, .value = "v"}, soon()), "job name");
    expect_refused(ledger->history(job, 1, soon()), "job name");
    expect_refused(ledger->erase(job, 1, soon()), "job name");
  }
  const auto write = [&](LedgerUpdate update) {
    update.job = "report";
    return ledger->write(update, soon());
  };
  expect_refused(write({.value = std::string(kMaxLedgerValue + 1, 'x')}),
                 "value for job 'report' has 16385 bytes; at most 16384");
  expect_refused(write({.entry = std::string(kMaxLedgerEntry + 1, 'x')}),
                 "entry for job 'report' has 8193 bytes; at most 8192");
  expect_refused(write({.keep = kMaxLedgerHistory + 1}), "to keep 1001 entries; at most 1000");
  EXPECT_THAT(ledger->all(soon()).value(), IsEmpty());
  const OwnLedger nameless(connect(), "a{b}");
  expect_refused(nameless->read("report", soon()), "service name");
  expect_refused(nameless->all(soon()), "service name");
}

TEST_P(StoreContract, LedgersOfServicesAreApartAlsoWhereOneNameBeginsWithAnother) {
  const OwnLedger one(connect(), "svc");
  const OwnLedger other(connect(), "svc:ledger");
  const LedgerRecord record = one.put({.job = "report", .expected = 0, .value = "one", .entry = "one"});
  EXPECT_EQ(other.get("report"), LedgerRecord{.job = "report"});
  EXPECT_THAT(other.entries("report"), IsEmpty());
  EXPECT_THAT(other->all(soon()).value(), IsEmpty());
  EXPECT_FALSE(other->erase("report", record.version, soon()).value());
  (void)other.put({.job = "report", .expected = 0, .value = "other"});
  EXPECT_EQ(one.get("report"), record);
}

TEST_P(StoreContract, LedgerAndPoolLeaveEachOtherAlone) {
  const OwnLedger ledger(connect());
  Peer node = peer("node");
  const ViewStamp view = node.sync().view;
  const LedgerRecord record = ledger.put({.job = "report", .expected = 0, .value = "v", .entry = "e"});
  const SyncReply reply = node.sync();
  EXPECT_EQ(reply.view, view);
  EXPECT_FALSE(reply.members.has_value()) << "nothing has changed";
  node.leave();
  EXPECT_EQ(ledger.get("report"), record);
  EXPECT_THAT(ledger.entries("report"), ElementsAre("e"));
}

TEST_P(StoreContract, LedgerReturnsSoonWhenTheDeadlineIsOverAndTellsTheTruth) {
  const OwnLedger ledger(connect());
  const LedgerRecord before = ledger.put({.job = "report", .expected = 0, .value = "before"});
  const auto start = BootClock::now();
  const auto late =
      ledger->write({.job = "report", .expected = before.version, .value = "after"}, start - 1s);
  EXPECT_LT(BootClock::now() - start, 1s);
  const LedgerRecord there = ledger.get("report");
  if (late) {
    EXPECT_TRUE(late->written);
    EXPECT_EQ(there, late->record);
  } else if (late.error().code == ErrorCode::outcome_unknown) {
    EXPECT_TRUE(there == before || there.value == "after");
  } else {
    EXPECT_EQ(late.error().code, ErrorCode::unavailable) << late.error().message;
    EXPECT_EQ(there, before);
  }
}

}  // namespace
}  // namespace nodepool::conformance
