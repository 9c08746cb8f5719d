// Those defects of go-dispatch that show only with a real server or real processes; the whole list is in
// tests/unit/original_defects_test.cpp.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <map>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "nodepool/pool.hpp"
#include "nodepool/redis.hpp"
#include "nodepool/sqlite.hpp"
#include "support/pools.hpp"
#include "support/process.hpp"
#include "support/redis_server.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::RedisServer;

const ServiceName kService("service");

PoolOptions brisk(std::string name) {
  PoolOptions options;
  options.name = std::move(name);
  options.heartbeat = 500ms;
  options.lease = 3s;
  return options;
}

/// One end of a pair of pipes between a test and its children: they tell that they are ready, and go on when
/// the test closes its end.
class Gate {
 public:
  Gate() {
    if (::pipe(ready_.data()) != 0 || ::pipe(open_.data()) != 0) throw std::runtime_error("no pipe");
  }
  ~Gate() {
    for (const int end : {ready_[0], ready_[1], open_[0], open_[1]}) {
      if (end >= 0) ::close(end);
    }
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void wait_in_child() {
    ::close(std::exchange(open_[1], -1));
    char byte = 'x';
    const bool told = ::write(ready_[1], &byte, 1) == 1;
    ::close(std::exchange(ready_[1], -1));
    if (!told) return;
    [[maybe_unused]] const auto end_of_file = ::read(open_[0], &byte, 1);
  }
  /// How many children have come; less than `count` if the others ended instead.
  int await(int count) {
    ::close(std::exchange(ready_[1], -1));
    char byte = 0;
    int came = 0;
    while (came < count && ::read(ready_[0], &byte, 1) == 1) ++came;
    return came;
  }
  void let_go() { ::close(std::exchange(open_[1], -1)); }

 private:
  std::array<int, 2> ready_{-1, -1}, open_{-1, -1};
};

/// A process that is a node until it is let go, and exits the moment `stop` has returned.
pid_t fork_node(const std::string& store, const std::string& name, Gate& gate) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::alarm(120);
  const auto driver = store.starts_with('/') ? open_sqlite(store) : open_redis(store);
  PoolOptions options = brisk(name);
  // Many at once wait for each other on a busy machine.
  options.heartbeat = 1s;
  options.lease = 6s;
  options.store_timeout = options.lease;
  NodePool pool(kService, driver.value(), options);
  if (!pool.start(60s)) ::_exit(1);
  gate.wait_in_child();
  pool.stop();
  ::_exit(0);
}

/// Ten processes join, and leave all at once; what does the store still know of them?
std::size_t left_behind(const std::string& store, const std::shared_ptr<Driver>& observer) {
  Gate gate;
  constexpr int kNodes = 10;
  std::vector<pid_t> children;
  for (int number = 0; number < kNodes; ++number) {
    children.push_back(fork_node(store, "node" + std::to_string(number), gate));
  }
  EXPECT_EQ(gate.await(kNodes), kNodes);
  const auto members = [&] {
    return observer->open(kService)->status(BootClock::now() + 10s).value().members.size();
  };
  EXPECT_TRUE(eventually([&] { return members() == kNodes; })) << members();
  gate.let_go();
  for (const pid_t child : children) {
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "the child did not end as it should";
  }
  return members();
}

// Stop only asked a thread to delete the record: of 20 processes that exited right after it, 19 or 20 left
// theirs behind.
TEST(OriginalDefects, WhoExitsTheMomentStopReturnsLeavesNothingBehindInRedis) {
  const RedisServer server;
  EXPECT_EQ(left_behind(server.url(), open_redis(server.url()).value()), 0U);
}
TEST(OriginalDefects, WhoExitsTheMomentStopReturnsLeavesNothingBehindInSqlite) {
  const test::TemporaryFolder folder;
  const std::string file = folder.path() + "/pool.db";
  EXPECT_EQ(left_behind(file, open_sqlite(file).value()), 0U);
}

// Any key under the pool's prefix was a node, and owned jobs that nobody ran.
TEST(OriginalDefects, ForeignKeysUnderThePrefixAreNoNodes) {
  const RedisServer server;
  for (const char* key : {"nodepool:{service}:stable-jobs", "nodepool:{service}",
                          "nodepool:{service}:members:x", "nodepool:service:stable-jobs"}) {
    ASSERT_EQ(server.command({"SET", key, "x"}), "OK\n");
  }
  NodePool pool(kService, open_redis(server.url()).value(), brisk("a"));
  const auto started = pool.start();
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_EQ(pool.nodes().size(), 1U);
  for (const std::string& job : test::some_jobs(200)) {
    EXPECT_TRUE(eventually([&] { return pool.is_eligible(job); })) << job;
  }
}

// A start that failed because Redis was down could never be repeated.
TEST(OriginalDefects, AStartWithTheServerDownSaysWhyAndALaterOneWorks) {
  RedisServer server;
  server.kill();
  NodePool pool(kService, open_redis(server.url()).value(), brisk("a"));
  const auto failed = pool.start(300ms);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find(std::to_string(server.port())), std::string::npos)
      << failed.error().message;
  EXPECT_NE(failed.error().message.find("refused"), std::string::npos) << failed.error().message;
  server.start();
  const auto started = pool.start();
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_TRUE(eventually([&] { return pool.is_eligible("job"); }));
}

/// How often the server has executed each command since its counters were reset; those inside of scripts too.
std::map<std::string, int> commands_of(const RedisServer& server) {
  std::map<std::string, int> calls;
  std::istringstream lines(server.command({"INFO", "commandstats"}));
  for (std::string line; std::getline(lines, line);) {
    const std::string prefix = "cmdstat_";
    const auto count = line.find(":calls=");
    if (!line.starts_with(prefix) || count == std::string::npos) continue;
    calls[line.substr(prefix.size(), count - prefix.size())] = std::stoi(line.substr(count + 7));
  }
  // What counting itself causes.
  for (const char* own : {"info", "config|resetstat"}) calls.erase(own);
  return calls;
}

/// The commands that this many quiet heartbeats of one of three members take.
std::map<std::string, int> commands_of_heartbeats(const RedisServer& server, int heartbeats) {
  const auto driver = open_redis(server.url()).value();
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<SyncRequest> requests;
  for (int number = 0; number < 3; ++number) {
    sessions.push_back(driver->open(kService));
    const std::string name = "n" + std::to_string(number);
    requests.push_back({.config = {.lease = 1h}, .node = {.id = NodeId(name), .name = NodeName(name)}});
  }
  const auto beat = [&](std::size_t who) {
    SyncRequest& request = requests[who];
    request.nonce = request.node.name.str() + "." + std::to_string(++request.sequence);
    const auto reply = sessions[who]->sync(request, BootClock::now() + 10s);
    ASSERT_TRUE(reply) << reply.error().message;
    request.known = reply->view;
  };
  for (int round = 0; round < 3; ++round) {
    for (std::size_t who = 0; who < sessions.size(); ++who) beat(who);
  }
  static_cast<void>(server.command({"CONFIG", "RESETSTAT"}));
  for (int round = 0; round < heartbeats; ++round) beat(0);
  return commands_of(server);
}

// A heartbeat walked over all keys of the database with SCAN, whosoever they were.
TEST(OriginalDefects, AHeartbeatIsOneScriptCallHoweverManyKeysThereAre) {
  const RedisServer server;
  constexpr int kHeartbeats = 20;
  const auto alone = commands_of_heartbeats(server, kHeartbeats);
  EXPECT_EQ(alone.at("evalsha"), kHeartbeats);
  static_cast<void>(server.command({"FLUSHALL"}));
  static_cast<void>(server.command(
      {"EVAL", "for i = 1, 50000 do redis.call('SET', 'nodepool:{service}:other:' .. i, i) end", "0"}));
  const auto crowded = commands_of_heartbeats(server, kHeartbeats);
  EXPECT_EQ(crowded, alone) << "other keys change nothing";
  for (const char* never : {"scan", "keys", "hscan", "sscan", "zscan", "randomkey"}) {
    EXPECT_FALSE(alone.contains(never)) << never;
  }
}

TEST(OriginalDefects, NothingThatAPoolDoesLooksThroughTheKeysOfTheDatabase) {
  const RedisServer server;
  static_cast<void>(server.command({"CONFIG", "RESETSTAT"}));
  const auto driver = open_redis(server.url()).value();
  {
    NodePool a(kService, driver, brisk("a"));
    NodePool b(kService, driver, brisk("b"));
    ASSERT_TRUE(a.start());
    ASSERT_TRUE(b.start());
    const auto observer = driver->open(kService);
    ASSERT_TRUE(observer->status(BootClock::now() + 10s));
    ASSERT_TRUE(observer->request_drain(b.node_id(), BootClock::now() + 10s));
    ASSERT_TRUE(eventually([&] { return b.state() == NodeState::stopped && a.nodes().size() == 1; }));
  }
  const auto calls = commands_of(server);
  EXPECT_GT(calls.at("evalsha"), 5);
  for (const char* never : {"scan", "keys", "hscan", "sscan", "zscan", "randomkey"}) {
    EXPECT_FALSE(calls.contains(never)) << never;
  }
}

}  // namespace
}  // namespace nodepool
