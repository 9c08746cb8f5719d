// The servers of docs/redis.md, as scripts/redis starts them: each of its examples works with the command.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "cli/parts/child.hpp"
#include "support/process.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class RedisScript : public testing::TestWithParam<const char*> {};

/// A node joins for some seconds, and the doctor looks at its pool.
TEST_P(RedisScript, StartsServersOnWhichANodeBecomesSteady) {
  const std::string join =
      std::string(NODEPOOL_COMMAND) + " join billing --heartbeat 100ms --lease 500ms --job report";
  const std::string script =
      "(" + join + " & node=$!; trap 'kill $node; wait' EXIT; " +
      "until " NODEPOOL_COMMAND
      " doctor billing >\"$0\" && grep -q 'settled: all 1' \"$0\"; do :; done; cat \"$0\")";
  const test::TemporaryFolder folder;
  const auto finished = test::run_program({std::string(NODEPOOL_SOURCE_DIR) + "/scripts/redis", GetParam(),
                                           "bash", "-c", script, folder.path() + "/report"},
                                          90s);
  EXPECT_EQ(finished.code, 0) << finished.errors;
  EXPECT_THAT(finished.output,
              AllOf(HasSubstr("granted report"), HasSubstr("settled: all 1 members"),
                    HasSubstr("this user may do all that nodes do"), Not(HasSubstr("\nproblem "))));
}

INSTANTIATE_TEST_SUITE_P(Each, RedisScript,
                         testing::Values("plain", "acl", "tls", "replicas", "sentinel", "cluster"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST(RedisScriptUse, IsToldToWhoeverNamesNoKind) {
  const auto finished =
      test::run_program({std::string(NODEPOOL_SOURCE_DIR) + "/scripts/redis", "mainframe"}, 20s);
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.errors, HasSubstr("Usage: scripts/redis plain|acl|tls"));
}

}  // namespace
