// `nodepool run --mode once` with real processes: one success, which all learn of.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "e2e/run_fixture.hpp"
#include "support/redis_server.hpp"
#include "support/tcp_gate.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::cli;
using namespace nodepool::test;
using testing::HasSubstr;

class RunOnce : public Run {};

TEST_F(RunOnce, IsRunUntilItHasSucceededAndThenNeverAgain) {
  // The first run fails, the second succeeds.
  const std::string script =
      "echo $NODEPOOL_ATTEMPT >> " + record_path() + "; test $(wc -l < " + record_path() + ") = 2";
  const std::vector<std::string> mode{"--mode", "once", "--restart-delay", "100ms", "--shell"};
  std::vector<Child> wrappers;
  for (const char* name : {"a", "b", "c"}) {
    std::vector<std::string> options = mode;
    options.insert(options.end(), {"--name", name});
    wrappers.push_back(launch(options, {script}));
  }
  for (Child& wrapper : wrappers) {
    ASSERT_TRUE(wait_for_end(wrapper));
    EXPECT_EQ(wrapper.exit_code(), 0) << wrapper.errors();
    EXPECT_NE(wrapper.errors().find("event=succeeded"), std::string::npos) << wrapper.errors();
  }
  const Finished later = run(mode, {script});
  EXPECT_EQ(later.code, 0) << later.errors;
  std::ifstream record(record_path());
  int first = 0;
  int second = 0;
  int third = 0;
  record >> first >> second >> third;
  // A node that lost the job between its mark and the start has counted too.
  EXPECT_GE(first, 1);
  EXPECT_GT(second, first);
  EXPECT_EQ(third, 0);
}

TEST_F(RunOnce, IsTakenUpByTheNextNodeIfItsOwnIsKilled) {
  Child owner = launch(great("a", {"--mode", "once"}), recorder());
  ASSERT_TRUE(wait_for_begins(1, {&owner}));
  Child other = launch({"--name", "b", "--mode", "once"}, {"sh", "-c", "exit 0"});
  ASSERT_TRUE(wait_for_log(other, "event=waiting"));
  owner.signal(SIGKILL);
  ASSERT_TRUE(wait_for_end(other));
  EXPECT_EQ(other.exit_code(), 0) << other.errors();
  EXPECT_NE(other.errors().find("event=started"), std::string::npos) << other.errors();
  expect_no_overlap();
}

TEST_F(RunOnce, IsRunAgainIfItsSuccessCouldNotBeWrittenDown) {
  const RedisServer server;
  TcpGate gate(server.port());
  const std::string go = folder_.path() + "/go";
  const std::string script =
      "echo $NODEPOOL_ATTEMPT >> " + record_path() + "; while ! [ -e " + go + " ]; do sleep 0.01; done";
  const std::vector<std::string> mode{"--mode", "once", "--shell"};
  Child cut_off = launch(mode, {script}, fmt::format("redis://127.0.0.1:{}", gate.port()));
  ASSERT_TRUE(wait_for("its begin", [&] { return std::ifstream(record_path()).peek() == '1'; }));
  gate.set({.requests_pass = false, .replies_pass = false, .delay = {}, .accepts = true});
  std::ofstream(go).put('\n');
  ASSERT_TRUE(wait_for_end(cut_off));
  EXPECT_EQ(cut_off.exit_code(), 125) << cut_off.errors();
  EXPECT_THAT(cut_off.errors(), HasSubstr("it will be run again"));
  Child next = launch(mode, {script}, server.url());
  ASSERT_TRUE(wait_for_end(next));
  EXPECT_EQ(next.exit_code(), 0) << next.errors();
  std::ifstream record(record_path());
  const std::string attempts{std::istreambuf_iterator<char>(record), {}};
  EXPECT_EQ(attempts, "1\n2\n");
}

TEST_F(RunOnce, LeavesWith0OnlyIfItHasSucceeded) {
  const std::vector<std::string> mode{"--mode", "once"};
  Child asked = launch(great("a", mode), recorder());
  ASSERT_TRUE(wait_for_begins(1, {&asked}));
  asked.signal(SIGTERM);
  ASSERT_TRUE(wait_for_end(asked));
  EXPECT_EQ(asked.exit_code(), 128 + SIGTERM) << "though the command says 0: " << asked.errors();
  Child drained = launch(great("b", mode), recorder());
  ASSERT_TRUE(wait_for_begins(2, {&drained}));
  EXPECT_EQ(run_nodepool({"drain", "svc", "b", "--store", store()}).code, 0);
  ASSERT_TRUE(wait_for_end(drained));
  EXPECT_EQ(drained.exit_code(), 122) << drained.errors();
  std::vector<std::string> hurried{"--mode", "once", "--no-wait", "--name", "c"};
  EXPECT_EQ(run(hurried, {"true"}).code, 0);
  EXPECT_EQ(run(hurried, {"false"}).code, 0) << "it has succeeded before";
}

}  // namespace
