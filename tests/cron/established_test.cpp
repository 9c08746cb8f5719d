// The answers of established programs, where they define the same thing (tests/cron/golden_table).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cron/texts.hpp"

namespace nodepool::cron::testing {
namespace {

TEST(EstablishedProgram, IsDueAtTheSameInstants) {
  std::ifstream file(std::string(NODEPOOL_TEST_DATA) + "/cron/established.json");
  const auto rows = nlohmann::json::parse(file);
  ASSERT_GE(rows.size(), 300U);
  for (const auto& row : rows) {
    const Schedule schedule =
        parsed(row.at("expression").get<std::string>(), {.time_zone = row.at("zone").get<std::string>()});
    std::vector<std::string> due;
    auto after = instant(row.at("after").get<std::string>());
    for (std::optional<WallTime> next; due.size() < row.at("due").size() && (next = schedule.next(after));) {
      after = *next;
      due.push_back(text_of(*next, "UTC"));
    }
    EXPECT_EQ(due, row.at("due").get<std::vector<std::string>>()) << row;
  }
}

}  // namespace
}  // namespace nodepool::cron::testing
