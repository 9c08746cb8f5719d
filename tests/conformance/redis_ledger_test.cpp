// What only a server can do to a ledger: refuse, crash, forget, step its clock, fail over.

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <thread>

#include "conformance/redis_fixture.hpp"

namespace nodepool::conformance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RedisLedgerTest : public RedisStore {
 protected:
  std::unique_ptr<Ledger> ledger(const std::string& suffix = "") {
    return connect(suffix)->open_ledger(service_);
  }
  static LedgerRecord put(Ledger& ledger, const LedgerUpdate& update) {
    const auto done = ledger.write(update, soon());
    EXPECT_TRUE(done && done->written) << (done ? "refused" : done.error().message);
    return done ? done->record : LedgerRecord{};
  }
};

TEST_F(RedisLedgerTest, AServerThatIsGoneIsUnavailableAndNamed) {
  const auto line = ledger();
  const LedgerRecord record = put(*line, {.job = "report", .value = "v"});
  ASSERT_EQ(server_.command({"SAVE"}), "OK\n");
  server_.kill();
  const auto read = line->read("report", soon());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::unavailable);
  EXPECT_THAT(read.error().message, HasSubstr(std::to_string(server_.port())));
  const auto write = line->write({.job = "report", .expected = record.version, .value = "w"}, soon());
  ASSERT_FALSE(write);
  EXPECT_EQ(write.error().code, ErrorCode::unavailable);
  EXPECT_EQ(line->all(soon()).error().code, ErrorCode::unavailable);
  server_.start();
  auto again = line->read("report", soon());
  for (const auto deadline = soon(); !again && BootClock::now() < deadline;)
    again = line->read("report", soon());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, record);
}

TEST_F(RedisLedgerTest, AWriteWithoutAnAnswerIsUnknownAndItsWriterFindsItAgain) {
  const auto line = ledger();
  const LedgerRecord before = put(*line, {.job = "report", .value = "before"});
  server_.freeze();
  const auto cut =
      line->write({.job = "report", .expected = before.version, .value = "mine"}, BootClock::now() + 200ms);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::outcome_unknown) << cut.error().message;
  server_.thaw();
  const auto reader = ledger();
  auto found = reader->read("report", soon());
  for (const auto deadline = soon(); BootClock::now() < deadline && found && found->value != "mine";)
    found = reader->read("report", soon());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->value, "mine");
  EXPECT_GT(found->version, before.version);
}

TEST_F(RedisLedgerTest, AMissingRightIsNamedAndTheRecordStays) {
  const LedgerRecord record = put(*ledger(), {.job = "report", .value = "v", .entry = "e"});
  for (const std::string right : {"hget", "hset", "lpush", "ltrim", "time"}) {
    (void)server_.command(
        {"ACL", "SETUSER", "nodes", "reset", "on", ">right", "~*", "&*", "+@all", "-" + right});
    const auto line = open_redis(RedisOptions{.port = server_.port(), .user = "nodes", .password = "right"})
                          .value()
                          ->open_ledger(service_);
    const auto done =
        line->write({.job = "report", .expected = record.version, .value = "w", .entry = "f"}, soon());
    ASSERT_FALSE(done) << right;
    EXPECT_EQ(done.error().code, ErrorCode::permission_denied) << done.error().message;
    EXPECT_THAT(done.error().message, testing::ContainsRegex(right + "|" + [&] {
                  std::string upper = right;
                  for (char& letter : upper) letter = static_cast<char>(std::toupper(letter));
                  return upper;
                }()));
    EXPECT_EQ(ledger()->read("report", soon()).value(), record) << right;
  }
}

TEST_F(RedisLedgerTest, AKeyOfSomebodyElseIsLeftUntouched) {
  for (const std::string part : {"ledger", "ledger:history:report"}) {
    ASSERT_EQ(server_.command({"FLUSHALL"}), "OK\n");
    ASSERT_EQ(server_.command({"SET", key(part), "mine"}), "OK\n");
    const auto done = ledger()->write({.job = "report", .value = "v", .entry = "e"}, soon());
    ASSERT_FALSE(done) << part;
    EXPECT_EQ(done.error().code, ErrorCode::store_corrupt) << done.error().message;
    EXPECT_EQ(server_.command({"GET", key(part)}), "mine\n");
    EXPECT_EQ(server_.command({"DBSIZE"}), "1\n");
  }
  ASSERT_EQ(server_.command({"FLUSHALL"}), "OK\n");
  for (const std::string stored : {"mine", "99999999999999999999 v", "7"}) {
    (void)server_.command({"HSET", key("ledger"), "report", stored});
    EXPECT_EQ(ledger()->read("report", soon()).error().code, ErrorCode::store_corrupt) << stored;
    EXPECT_EQ(ledger()->all(soon()).error().code, ErrorCode::store_corrupt) << stored;
  }
}

TEST_F(RedisLedgerTest, VersionsGrowOverALossOfAllData) {
  const auto line = ledger();
  const LedgerRecord before = put(*line, {.job = "report", .value = "v"});
  ASSERT_EQ(server_.command({"FLUSHALL"}), "OK\n");
  const auto stale = line->write({.job = "report", .expected = before.version, .value = "w"}, soon());
  ASSERT_TRUE(stale) << stale.error().message;
  EXPECT_FALSE(stale->written);
  EXPECT_EQ(stale->record.version, 0U);
  EXPECT_GT(put(*line, {.job = "report", .value = "w"}).version, before.version);
}

TEST_F(RedisLedgerTest, VersionsGrowWhateverTheServersClockSays) {
  const std::string ahead = "4000000000000000";
  (void)server_.command({"HSET", key("ledger"), "report", ahead + " from the future"});
  const auto line = ledger();
  const LedgerRecord next = put(*line, {.job = "report", .expected = 4'000'000'000'000'000U, .value = "v"});
  EXPECT_EQ(next.version, 4'000'000'000'000'001U);
  EXPECT_TRUE(line->erase("report", next.version, soon()).value());
  EXPECT_EQ(put(*line, {.job = "report", .value = "v"}).version, 4'000'000'000'000'002U);
}

TEST_F(RedisLedgerTest, AMasterThatBecameAReplicaIsAskedForNothing) {
  const auto line = ledger();
  const LedgerRecord record = put(*line, {.job = "report", .value = "v", .entry = "e"});
  const RedisServer other;
  ASSERT_EQ(server_.command({"REPLICAOF", "127.0.0.1", std::to_string(other.port())}), "OK\n");
  // The connection of before is still open.
  const auto read = line->read("report", soon());
  ASSERT_FALSE(read) << read->value;
  EXPECT_EQ(read.error().code, ErrorCode::unavailable) << read.error().message;
  EXPECT_THAT(read.error().message, HasSubstr("replica"));
  ASSERT_EQ(server_.command({"REPLICAOF", "NO", "ONE"}), "OK\n");
}

TEST_F(RedisLedgerTest, AHundredThousandJobsAreListedWhileOthersComeAndGo) {
  constexpr int kJobs = 100'000;
  const std::string fill =
      "for i=1,100000 do redis.call('HSET',KEYS[1],string.format('job-%06d',i),'1700000000000000 v') end";
  (void)server_.command({"EVAL", fill, "1", key("ledger")});
  std::jthread others([&](const std::stop_token& stop) {
    const auto line = ledger();
    for (int number = 0; !stop.stop_requested(); ++number) {
      const std::string job = "other-" + std::to_string(number);
      const LedgerRecord record = put(*line, {.job = job, .value = std::string(1000, 'x')});
      if (number % 2 == 0) {
        EXPECT_TRUE(line->erase(job, record.version, soon()).value_or(false));
      }
    }
  });
  const auto records = ledger()->all(BootClock::now() + 30s);
  others.request_stop();
  ASSERT_TRUE(records) << records.error().message;
  int next = 1;
  for (const LedgerRecord& record : *records) {
    if (record.job.starts_with("other-")) continue;
    ASSERT_EQ(record, (LedgerRecord{fmt::format("job-{:06}", next++), 1'700'000'000'000'000U, "v"}));
  }
  EXPECT_EQ(next, kJobs + 1);
}

class ReplicatedLedgerTest : public RedisLedgerTest {
 protected:
  void SetUp() override { start_replica(); }
};

TEST_F(ReplicatedLedgerTest, AnAnswerCountsOnceTheReplicasHaveWhatItSays) {
  const auto line = ledger("?min_replicas=1");
  const LedgerRecord record = put(*line, {.job = "report", .value = "v", .entry = "e"});
  EXPECT_EQ(replica_->command({"HGET", key("ledger"), "report"}), std::to_string(record.version) + " v\n");
  EXPECT_EQ(line->read("report", soon()).value(), record);
  EXPECT_THAT(line->history("report", 9, soon()).value(), ElementsAre("e"));
  EXPECT_THAT(line->all(soon()).value(), ElementsAre(record));

  replica_->freeze();
  const LedgerUpdate update{.job = "report", .expected = record.version, .value = "w"};
  const auto write = line->write(update, BootClock::now() + 400ms);
  ASSERT_FALSE(write);
  EXPECT_EQ(write.error().code, ErrorCode::outcome_unknown) << write.error().message;
  // The master has it, but would lose it if it was replaced now.
  EXPECT_EQ(ledger()->read("report", soon()).value().value, "w");
  for (const auto& code : {line->read("report", BootClock::now() + 400ms).error().code,
                           line->write(update, BootClock::now() + 400ms).error().code}) {
    EXPECT_EQ(code, ErrorCode::unavailable) << "what it says could be undone, and it has done nothing";
  }
  replica_->thaw();
  auto read = line->read("report", soon());
  for (const auto deadline = soon(); !read && BootClock::now() < deadline;)
    read = line->read("report", soon());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->value, "w");
}

}  // namespace
}  // namespace nodepool::conformance
