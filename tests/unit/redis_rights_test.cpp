// The rights that an ACL user needs are exactly those that are used: what the scripts call, and what sessions
// send.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "driver/redis/errors.hpp"

namespace nodepool::redis {
namespace {

std::string read(const std::string& file) {
  std::ifstream stream(std::string(NODEPOOL_SOURCE_DIR) + "/" + file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::set<std::string> commands_granted() {
  std::set<std::string> commands;
  std::istringstream rights{std::string(required_rights())};
  for (std::string right; rights >> right;) {
    if (right.starts_with('+')) commands.insert(right.substr(1));
  }
  return commands;
}

TEST(RedisRights, AreExactlyWhatScriptsCallAndSessionsSend) {
  // Not in scripts: how they are run, how a connection begins, how hints are heard, how replicas confirm.
  std::set<std::string> used{"eval", "evalsha", "ping", "select", "info", "subscribe", "wait"};
  const std::regex call("redis\\.call\\('([A-Z]+)'");
  for (const char* name : {"sync", "status", "drain", "ledger"}) {
    const std::string script = read("src/driver/redis/" + std::string(name) + ".lua");
    ASSERT_FALSE(script.empty()) << name;
    for (auto each = std::sregex_iterator(script.begin(), script.end(), call); each != std::sregex_iterator();
         ++each) {
      std::string command = (*each)[1];
      std::ranges::transform(command, command.begin(),
                             [](unsigned char letter) { return std::tolower(letter); });
      used.insert(command);
    }
  }
  EXPECT_EQ(commands_granted(), used);
}

TEST(RedisRights, AreThoseOfTheDocuments) {
  EXPECT_NE(
      read("docs/redis.md").find("\nACL SETUSER nodes on >PASSWORD " + std::string(required_rights()) + "\n"),
      std::string::npos)
      << required_rights();
}

}  // namespace
}  // namespace nodepool::redis
