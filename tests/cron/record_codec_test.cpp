// Records and entries as the store keeps them, and policies as they are checked.

#include <gtest/gtest.h>

#include "cron/job_record.hpp"

namespace nodepool::cron {
namespace {

using namespace std::chrono_literals;

WallTime at(double after) {
  return WallTime(std::chrono::seconds(1'700'049'600)) +
         std::chrono::duration_cast<WallTime::duration>(std::chrono::duration<double>(after));
}

TEST(JobRecord, SurvivesTheWayThroughTheStore) {
  const JobRecord record{.decided = at(1),
                         .token = {7},
                         .paused = true,
                         .asked = {at(4)},
                         .pending = {at(2), at(3)},
                         .running = {{at(1), at(1.5), 2, {7}, "web-1", NodeId("0123")}},
                         .schedule = "* * * * * UTC"};
  EXPECT_EQ(parse_job_record(to_json(record)).value(), record);
  EXPECT_EQ(parse_job_record("").value(), JobRecord{});
  for (const char* broken :
       {"{", "[]", "{}", R"({"decided_ns":"x","token":1})",
        R"({"decided_ns":99999999999999999999,"token":1})", R"({"decided_ns":1,"token":-1})",
        R"({"decided_ns":1,"token":1,"running":[1]})", R"({"decided_ns":1,"token":1,"paused":3})"}) {
    const auto read = parse_job_record(broken);
    ASSERT_FALSE(read) << broken;
    EXPECT_EQ(read.error().code, ErrorCode::store_corrupt);
  }
}

TEST(HistoryEntry, SurvivesTheWayThroughTheStore) {
  const HistoryEntry run{at(1), 1, Outcome::timed_out, at(1.5), at(2), 3, {7}, "web-1", "a\nb\x01"};
  EXPECT_EQ(parse_history_entry(to_json(run)).value(), run);
  HistoryEntry none;
  none.scheduled = at(9);
  none.count = 5;
  none.outcome = Outcome::missed;
  EXPECT_EQ(parse_history_entry(to_json(none)).value(), none);
  HistoryEntry torn = run;
  torn.detail = "caf\xC3";
  EXPECT_EQ(parse_history_entry(to_json(torn)).value().detail, "caf\xEF\xBF\xBD") << "no UTF-8";
  EXPECT_FALSE(parse_history_entry(R"({"scheduled_ns":1,"outcome":"gone","attempt":1,"token":1,"node":""})"));
}

TEST(JobPolicy, IsCheckedAsAWhole) {
  EXPECT_TRUE(validate(JobPolicy{}));
  const auto checked = validate(JobPolicy{.on_time = 1ms, .retries = 101, .history = 0});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(checked.error().message,
            "on_time is 1 ms, it must be 100 to 60000 ms; retries is 101, it must be 0 to 100; "
            "history is 0, it must be 1 to 1000");
}

}  // namespace
}  // namespace nodepool::cron
