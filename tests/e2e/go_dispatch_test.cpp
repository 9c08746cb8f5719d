// The command in pools of go-dispatch.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/parts/child.hpp"
#include "cli/parts/events.hpp"
#include "support/go_node.hpp"
#include "support/pools.hpp"
#include "support/process.hpp"
#include "support/redis_server.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;
using namespace nodepool::cli;
using namespace nodepool::test;

class GoDispatchCommand : public testing::Test {
 protected:
  [[nodiscard]] Finished run(std::vector<std::string> arguments) const {
    return run_nodepool(arguments, {"NODEPOOL_STORE=" + server_.url()});
  }
  RedisServer server_;
};

TEST_F(GoDispatchCommand, ListsNodesOfBothLayoutsAndTheirJobsOwners) {
  for (const auto& [layout, driver] : {std::pair{GoDispatchLayout::key, "go-dispatch-key"},
                                       std::pair{GoDispatchLayout::zset, "go-dispatch-zset"}}) {
    const GoNode node(server_.port(), layout, driver, 3s);
    ASSERT_TRUE(eventually([&] { return !node.hosts().empty(); }));
    const Finished nodes = run({"nodes", driver, "--driver", driver, "--period", "3s", "--format", "json"});
    ASSERT_EQ(nodes.code, 0) << nodes.errors;
    const auto json = nlohmann::json::parse(nodes.output);
    ASSERT_EQ(json.at("members").size(), 1U);
    EXPECT_EQ(json.at("members")[0].at("name"), node.name());
    EXPECT_GT(json.at("members")[0].at("lease_left_ms"), 0);
    EXPECT_TRUE(json.at("settled").is_null());
    const Finished owner = run({"owner", driver, "report", "--driver", driver, "--period", "3s"});
    EXPECT_EQ(owner.output, "report\t" + node.name() + "\n") << owner.errors;
  }
  EXPECT_EQ(run({"nodes", "svc", "--driver", "go-dispatch-key"}).code, 1);
}

TEST_F(GoDispatchCommand, WhatHasNoMeaningThereIsWrongUsage) {
  const std::vector<std::vector<std::string>> calls{
      {"join", "svc", "--driver", "go"},
      {"join", "svc", "--period", "1s"},
      {"nodes", "svc", "--prefix", "p"},
      {"join", "svc", "--driver", "go-dispatch-key", "--period", "1ms"},
      {"join", "svc", "--driver", "go-dispatch-key", "--period", "soon"},
      {"join", "svc", "--driver", "go-dispatch-key", "--prefix", "p*"},
      {"join", "svc", "--driver", "go-dispatch-key", "--name", "web-1"},
      {"join", "svc", "--driver", "go-dispatch-key", "--weight", "1"},
      {"join", "svc", "--driver", "go-dispatch-zset", "--placement", "ring"},
      {"join", "svc", "--driver", "go-dispatch-zset", "--heartbeat", "1s"},
      {"join", "svc", "--driver", "go-dispatch-zset", "--lease", "4s"},
      {"join", "svc", "--driver", "go-dispatch-zset", "--metadata", "a=b"},
      {"join", "svc", "--driver", "go-dispatch-key", "--store", "sqlite:/tmp/x"},
  };
  for (const auto& call : calls) {
    const Finished finished = run(call);
    EXPECT_EQ(finished.code, 2) << fmt::format("{}: {}", fmt::join(call, " "), finished.errors);
    EXPECT_EQ(std::ranges::count(finished.errors, '\n'), 1) << finished.errors;
  }
}

/// A `nodepool join` and what it has told so far.
class JoinedNode {
 public:
  explicit JoinedNode(const std::vector<std::string>& arguments) : child_(Child::start(arguments).value()) {}

  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  void read() {
    child_.read();
    for (const std::string& line : child_.take_lines()) {
      const Event event = parse_event(line).value();
      if (const auto* granted = std::get_if<GrantedEvent>(&event)) grants[granted->job] = *granted;
      if (const auto* revoked = std::get_if<RevokedEvent>(&event)) revocations[revoked->job] = *revoked;
      if (const auto* state = std::get_if<StateEvent>(&event)) now = state->state;
    }
  }
  std::map<std::string, GrantedEvent> grants;       ///< The last of each job.
  std::map<std::string, RevokedEvent> revocations;  ///< The last of each job.
  NodeState now = NodeState::joining;

 private:
  Child child_;
};

TEST_F(GoDispatchCommand, AFrozenNodeWakesWithoutAnyJobAndComesBackAsItself) {
  const std::vector<std::string> jobs = some_jobs(12);
  const GoNode go(server_.port(), GoDispatchLayout::zset, "svc", 1s);
  JoinedNode node({NODEPOOL_COMMAND, "join", "svc", "--store", server_.url(), "--driver", "go-dispatch-zset",
                   "--period", "1s", "--jobs", "12", "--format", "json"});
  ASSERT_TRUE(eventually([&] {
    node.read();
    if (node.now != NodeState::steady || !go.is_steady() || go.hosts().size() != 2) return false;
    // Its grants come line by line: all that are not the other's have to be there.
    const auto others = std::ranges::count_if(jobs, [&](const auto& job) { return go.is_eligible(job); });
    return !node.grants.empty() && std::ssize(node.grants) + others == std::ssize(jobs);
  }));
  const auto own = node.grants;
  ::kill(node.pid(), SIGSTOP);
  const WallTime frozen = std::chrono::system_clock::now();
  const auto go_has_all = [&] {
    return std::ranges::all_of(jobs, [&](const std::string& job) { return go.is_eligible(job); });
  };
  ASSERT_TRUE(eventually(go_has_all)) << "the other took its jobs over";

  node.grants.clear();
  ::kill(node.pid(), SIGCONT);
  std::map<std::string, WallTime> last_yes;  // of the node in Go
  ASSERT_TRUE(eventually([&] {
    for (const std::string& job : jobs) {
      const WallTime before = std::chrono::system_clock::now();
      if (go.is_eligible(job)) last_yes[job] = before;
    }
    node.read();
    return node.now == NodeState::steady && node.grants.size() == own.size();
  }));
  for (const auto& [job, first_grant] : own) {
    ASSERT_TRUE(node.revocations.contains(job));
    EXPECT_LE(node.revocations.at(job).last, frozen) << "it said yes to " << job << " after it was woken";
    EXPECT_EQ(node.revocations.at(job).reason, RevokeReason::lease_lost);
    ASSERT_TRUE(node.grants.contains(job)) << "the same jobs, as it has the same name";
    EXPECT_EQ(node.grants.at(job).teller, first_grant.teller);
    EXPECT_GT(node.grants.at(job).at, last_yes.at(job)) << job;
    EXPECT_GT(node.grants.at(job).token, first_grant.token);
  }
}

}  // namespace
