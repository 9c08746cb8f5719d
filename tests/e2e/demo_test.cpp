// The demonstration: its verdict, and that it leaves nothing behind however it ends.

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "cli/parts/child.hpp"
#include "cli/parts/fleet.hpp"
#include "support/process.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool::cli;
using namespace nodepool::test;

class Demo : public testing::Test {
 protected:
  /// Starts it with this test's folder as the place of temporary files, and waits until its nodes run.
  [[nodiscard]] nodepool::Result<Child> start_and_await_nodes() {
    auto demo = Child::start({NODEPOOL_COMMAND, "demo", "--nodes", "3", "--jobs", "5"}, environment());
    std::string seen;
    const bool running = demo && clock_.pump_until(
                                     [&] {
                                       demo->read();
                                       return demo->output().find("calm:") != std::string::npos;
                                     },
                                     20s);
    EXPECT_TRUE(running);
    // The demonstration and its nodes.
    EXPECT_GE(processes_with(folder_.path()).size(), 4U);
    return demo;
  }
  void expect_nothing_left() {
    EXPECT_TRUE(clock_.pump_until([&] { return processes_with(folder_.path()).empty(); }, 10s));
  }
  [[nodiscard]] std::vector<std::string> environment() const {
    return {"TMPDIR=" + folder_.path(), "NODEPOOL_STORE="};
  }

  TemporaryFolder folder_;
  Fleet clock_{{}};  ///< Only for its waiting.
};

TEST_F(Demo, ShowsThatNoJobEverHasTwoOwners) {
  const Finished demo = run_nodepool({"demo"}, environment(), 40s);
  EXPECT_EQ(demo.code, 0) << demo.output << demo.errors;
  EXPECT_NE(demo.output.find("Instants with two owners: 0\n"), std::string::npos) << demo.output;
  for (const char* what :
       {"5 nodes join", "node6 joins", "node1 leaves", "node2 crashes", "node3 freezes", "node3 wakes"}) {
    EXPECT_NE(demo.output.find(what), std::string::npos) << what << " in\n" << demo.output;
  }
  EXPECT_EQ(demo.output.find('\x1b'), std::string::npos) << "plain lines where there is no terminal";
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  expect_nothing_left();
}

TEST_F(Demo, CleansUpWhenItIsInterrupted) {
  auto demo = start_and_await_nodes();
  ASSERT_TRUE(demo);
  demo->signal(SIGINT);
  EXPECT_TRUE(clock_.pump_until([&] { return demo->exit_code().has_value(); }, 10s));
  EXPECT_NE(demo->exit_code(), 0);
  expect_nothing_left();
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(Demo, TakesItsNodesAlongWhenItIsKilled) {
  auto demo = start_and_await_nodes();
  ASSERT_TRUE(demo);
  demo->signal(SIGKILL);
  expect_nothing_left();
}

}  // namespace
