#include <gmock/gmock.h>
#include <unistd.h>

#include "conformance/sqlite_folder.hpp"

/// What may happen to the file of a ledger.

namespace nodepool::conformance {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class SqliteLedgerTest : public testing::Test {
 protected:
  std::unique_ptr<Ledger> ledger() const {
    return open_sqlite(folder_.store()).value()->open_ledger(ServiceName("service"));
  }
  static LedgerRecord put(Ledger& ledger, const LedgerUpdate& update) {
    const auto done = ledger.write(update, soon());
    EXPECT_TRUE(done && done->written) << (done ? "refused" : done.error().message);
    return done ? done->record : LedgerRecord{};
  }

  SqliteFolder folder_;
};

TEST_F(SqliteLedgerTest, ReadingMakesNoFile) {
  const auto line = ledger();
  EXPECT_EQ(line->read("report", soon()).value().version, 0U);
  EXPECT_THAT(line->history("report", 9, soon()).value(), IsEmpty());
  EXPECT_THAT(line->all(soon()).value(), IsEmpty());
  EXPECT_FALSE(line->erase("report", 1, soon()).value());
  EXPECT_TRUE(folder_.contents().empty());
}

TEST_F(SqliteLedgerTest, AFileOfANodepoolWithoutLedgersGetsTheTables) {
  {
    Peer node = peer_on(folder_.store(), "node");
    node.sync();
  }
  run_sql(folder_.store(), "SELECT 1 / (SELECT count(*) = 1 FROM sqlite_master WHERE type = 'table')");
  EXPECT_EQ(ledger()->read("report", soon()).value().version, 0U);
  const LedgerRecord record = put(*ledger(), {.job = "report", .value = "v"});
  EXPECT_EQ(ledger()->read("report", soon()).value(), record);
}

TEST_F(SqliteLedgerTest, AFileThatItMadeIsNoProofThatNoLeaseIsLeft) {
  (void)put(*ledger(), {.job = "report", .value = "v"});
  Peer node = peer_on(folder_.store(), "node", short_lease());
  EXPECT_GT(node.sync().barrier_left, 0us);
}

TEST_F(SqliteLedgerTest, MovesToTheFileThatReplacesADeletedOneAndVersionsGrow) {
  const auto line = ledger();
  const LedgerRecord before = put(*line, {.job = "report", .value = "v", .entry = "e"});
  std::filesystem::remove(folder_.store());
  EXPECT_EQ(line->read("report", soon()).value().version, 0U);
  const auto stale = line->write({.job = "report", .expected = before.version, .value = "w"}, soon());
  ASSERT_TRUE(stale) << stale.error().message;
  EXPECT_FALSE(stale->written);
  const LedgerRecord after = put(*line, {.job = "report", .value = "w"});
  EXPECT_GT(after.version, before.version);
  EXPECT_EQ(ledger()->read("report", soon()).value(), after);
  EXPECT_THAT(line->history("report", 9, soon()).value(), IsEmpty());
}

TEST_F(SqliteLedgerTest, VersionsGrowWhateverTheClockSays) {
  const auto line = ledger();
  (void)put(*line, {.job = "report", .value = "v"});
  run_sql(folder_.store(), "UPDATE ledger SET version = 4000000000000000");
  const LedgerRecord next = put(*line, {.job = "report", .expected = 4'000'000'000'000'000U, .value = "w"});
  EXPECT_EQ(next.version, 4'000'000'000'000'001U);
  EXPECT_TRUE(line->erase("report", next.version, soon()).value());
  EXPECT_EQ(put(*line, {.job = "report", .value = "v"}).version, 4'000'000'000'000'002U);
}

TEST_F(SqliteLedgerTest, EndsWhereItsLogWasDeleted) {
  const auto line = ledger();
  const LedgerRecord record = put(*line, {.job = "report", .value = "v"});
  std::filesystem::remove(folder_.store() + "-wal");
  const LedgerUpdate update{.job = "report", .expected = record.version, .value = "w"};
  EXPECT_EQ(line->write(update, soon()).error().code, ErrorCode::store_corrupt);
  EXPECT_EQ(line->read("report", soon()).error().code, ErrorCode::store_corrupt);
}

TEST_F(SqliteLedgerTest, ListsAHundredThousandJobs) {
  const LedgerRecord last = put(*ledger(), {.job = "last", .value = "v"});
  run_sql(folder_.store(),
          "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100000) "
          "INSERT INTO ledger SELECT 'service', printf('job-%06d', n), 1700000000000000, x'00' FROM number");
  const auto records = ledger()->all(soon());
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_EQ(records->size(), 100'001U);
  EXPECT_EQ(records->front(), (LedgerRecord{"job-000001", 1'700'000'000'000'000U, std::string(1, '\0')}));
  EXPECT_EQ(records->back(), last);
}

TEST_F(SqliteLedgerTest, WaitsForALockUntilTheDeadline) {
  const auto line = ledger();
  const LedgerRecord record = put(*line, {.job = "report", .value = "v"});
  Child holder([&](int report) {
    sqlite3* database = nullptr;
    if (sqlite3_open(folder_.store().c_str(), &database) != SQLITE_OK) return 1;
    if (sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK) return 1;
    if (::write(report, ".", 1) != 1) return 1;
    ::pause();
    return 0;
  });
  ASSERT_TRUE(holder.heard());
  const auto started = BootClock::now();
  const LedgerUpdate update{.job = "report", .expected = record.version, .value = "w"};
  const auto refused = line->write(update, started + 100ms);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable) << refused.error().message;
  EXPECT_LT(BootClock::now() - started, 1s);
  EXPECT_EQ(line->read("report", soon()).value(), record) << "reading needs no lock";
  holder.kill();
  EXPECT_GT(put(*line, update).version, record.version);
}

}  // namespace
}  // namespace nodepool::conformance
