#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/parts/demo_report.hpp"
#include "cli/parts/pool_report.hpp"
#include "cli/parts/printable.hpp"
#include "cli/parts/table.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::cli;
using namespace std::chrono_literals;

TEST(CliTable, AlignsTextLeftAndNumbersRight) {
  EXPECT_EQ(format_table({{"NAME", "JOBS", "ZONE"}, {"a", "7", "-"}, {"longer", "12", "eu west"}}),
            "NAME    JOBS  ZONE\n"
            "a          7  -\n"
            "longer    12  eu west\n");
}

TEST(CliTable, CountsUtf8ByCodePoints) {
  EXPECT_EQ(format_table({{"NAME", "X"}, {"\xc3\xa4\xc3\xb6\xc3\xbc", "y"}}),
            "NAME  X\n\xc3\xa4\xc3\xb6\xc3\xbc   y\n");
}

PoolStatus sample() {
  PoolStatus status;
  status.view = {"lineage", Epoch{42}, "view"};
  status.settled = true;
  MemberStatus steady;
  steady.info.id = NodeId("id-1");
  steady.info.name = NodeName("web-1");
  steady.lease_left = 3500ms;
  steady.acknowledged = true;
  MemberStatus draining = steady;
  draining.info.name = NodeName("web-2");
  draining.info.draining = true;
  draining.held = {"job1", "job2"};
  MemberStatus lost = steady;
  lost.info.name = NodeName("web-3");
  lost.lease_left = -1ms;
  status.members = {steady, draining, lost};
  return status;
}

TEST(CliPoolReport, SaysWhatEveryMemberDoes) {
  PoolStatus status = sample();
  EXPECT_EQ(state_of(status.members[0], status), "steady");
  EXPECT_EQ(state_of(status.members[1], status), "draining");
  EXPECT_EQ(state_of(status.members[2], status), "lost");
  status.settled = false;
  EXPECT_EQ(state_of(status.members[0], status), "upgrading");
}

TEST(CliPoolReport, TextHasALineForEachMember) {
  const std::string text = pool_text("billing", sample());
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5) << text;
  for (const char* part : {"billing", "42", "settled", "web-1", "web-2", "job1 job2", "3500"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
}

TEST(CliPoolReport, JsonIsOneLineWithAllOfIt) {
  const std::string line = pool_json("billing", sample());
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json.at("service"), "billing");
  EXPECT_EQ(json.at("epoch"), 42);
  EXPECT_EQ(json.at("settled"), true);
  ASSERT_EQ(json.at("members").size(), 3U);
  EXPECT_EQ(json.at("members")[1].at("held"), (std::vector<std::string>{"job1", "job2"}));
  EXPECT_EQ(json.at("members")[0].at("lease_left_ms"), 3500);
}

TEST(CliPoolReport, SaysNoMoreThanAStoreWithoutAcknowledgementsKnows) {
  const Capabilities modest{.acknowledges = false, .holds = false, .hints = false};
  const std::string text = pool_text("billing", sample(), modest);
  EXPECT_NE(text.find("listed"), std::string::npos) << text;
  EXPECT_EQ(text.find("settled"), std::string::npos) << text;
  const auto json = nlohmann::json::parse(pool_json("billing", sample(), modest));
  EXPECT_TRUE(json.at("settled").is_null());
  EXPECT_TRUE(json.at("members")[0].at("acknowledged").is_null());
  EXPECT_EQ(json.at("members")[0].at("state"), "listed");
}

TEST(CliPoolReport, NamesOfAnyBytesBreakNeitherTheTableNorTheJson) {
  PoolStatus status = sample();
  status.members[0].info.name = NodeName("red \x1b[31m\n\xff");
  const std::string text = pool_text("billing", status);
  EXPECT_NE(text.find("red \\x1b[31m\\x0a\\xff"), std::string::npos) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5) << text;
  EXPECT_TRUE(nlohmann::json::accept(pool_json("billing", status)));
  EXPECT_EQ(printable("caf\xc3\xa9 a"), "caf\xc3\xa9 a") << "good UTF-8 is left alone";
}

TEST(CliDemoReport, NamesTwoOwnersAndCountsThem) {
  DemoResult result;
  EXPECT_NE(summary_text(result).find("Instants with two owners: 0\n"), std::string::npos);
  result.overlaps.push_back({"job1", "a", "b", {}, {}});
  const std::string text = summary_text(result);
  EXPECT_NE(text.find("Instants with two owners: 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("TWO OWNERS of job1: a and b"), std::string::npos) << text;
}

TEST(CliDemoReport, HasARowForEachHappening) {
  DemoResult result;
  result.reports.push_back({"node3 crashes", {{"x", 4100ms}, {"y", 4200ms}}, {{"z", 0ms}}, {}, 4300ms});
  const std::string text = summary_text(result);
  EXPECT_NE(text.find("node3 crashes"), std::string::npos);
  EXPECT_NE(text.find("4100.0 / 4200.0 / 4200.0"), std::string::npos) << text;
}

}  // namespace
