// The command line as other programs rely on it: output, exit codes, and one clear sentence for each failure.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/event_stream.hpp"
#include "support/process.hpp"
#include "support/redis_server.hpp"

namespace {

using namespace std::chrono_literals;
using namespace nodepool;
using namespace nodepool::cli;
using namespace nodepool::test;

class Command : public testing::Test {
 protected:
  [[nodiscard]] std::string store() const { return "sqlite:" + folder_.path() + "/pool.db"; }
  [[nodiscard]] PoolScene::Settings settings() const {
    return {.store = store(), .service = "svc", .jobs = 8, .heartbeat = 300ms, .lease = 1500ms};
  }
  /// With this test's store in the environment.
  [[nodiscard]] Finished run(const std::vector<std::string>& arguments) const {
    return run_nodepool(arguments, {"NODEPOOL_STORE=" + store()});
  }
  TemporaryFolder folder_;
};

void expect_one_sentence(const Finished& finished, int code, const std::string& call) {
  EXPECT_EQ(finished.code, code) << call << "\n" << finished.errors;
  EXPECT_EQ(finished.output, "") << call;
  EXPECT_EQ(std::count(finished.errors.begin(), finished.errors.end(), '\n'), 1) << call << "\n"
                                                                                 << finished.errors;
  EXPECT_TRUE(finished.errors.starts_with("nodepool: ")) << call << "\n" << finished.errors;
}

TEST_F(Command, WrongUsageIsExitCodeTwoAndOneSentence) {
  const std::vector<std::vector<std::string>> calls{
      {},
      {"frobnicate"},
      {"--frobnicate"},
      {"join"},
      {"join", "a service"},
      {"join", "svc", "--lease", "4"},
      {"join", "svc", "--lease", "soon"},
      {"join", "svc", "--lease", "2s"},
      {"join", "svc", "--heartbeat", "1ms"},
      {"join", "svc", "--weight", "0"},
      {"join", "svc", "--weight", "101"},
      {"join", "svc", "--points", "0"},
      {"join", "svc", "--placement", "maglev"},
      {"join", "svc", "--jobs", "-1"},
      {"join", "svc", "--job", ""},
      {"join", "svc", "--name", "two words"},
      {"join", "svc", "--metadata", "novalue"},
      {"join", "svc", "--format", "xml"},
      {"join", "svc", "--store", "memory:"},
      {"join", "svc", "--store", "ftp://host"},
      {"join", "svc", "--store", "redis://host:notaport"},
      {"join", "svc", "surplus"},
      {"nodes"},
      {"nodes", "svc", "--store", "memory:"},
      {"owner", "svc"},
      {"ring", "key"},
      {"ring", "--node", "a"},
      {"ring", "--node", "a", "--node", "a", "key"},
      {"ring", "--node", "a=101", "key"},
      {"ring", "--node", "a", "--points", "10001", "key"},
      {"ring", "--node", "a", "--placement", "", "key"},
      {"drain", "svc"},
      {"demo", "--nodes", "2"},
      {"demo", "--jobs", "0"},
      {"demo", "--store", "memory:"},
  };
  for (const auto& call : calls)
    expect_one_sentence(run(call), 2, fmt::format("nodepool {}", fmt::join(call, " ")));
}

TEST_F(Command, AFailureIsExitCodeOneAndOneSentence) {
  PoolScene scene(settings());
  ASSERT_TRUE(scene.step("a joins", [&] { scene.launch("a"); }));
  const std::vector<std::vector<std::string>> calls{
      {"nodes", "unknown"},
      {"nodes", "unknown", "--watch"},
      {"owner", "unknown", "job"},
      {"drain", "unknown", "a"},
      {"drain", "svc", "nobody"},
      {"nodes", "svc", "--store", "redis://127.0.0.1:1"},
      {"owner", "svc", "job", "--store", "redis://127.0.0.1:1"},
      {"drain", "svc", "a", "--store", "unix:///nowhere/redis.sock"},
      {"nodes", "svc", "--store", "sqlite:/nowhere/pool.db"},
      {"demo", "--store", "redis://127.0.0.1:1"},
  };
  for (const auto& call : calls)
    expect_one_sentence(run(call), 1, fmt::format("nodepool {}", fmt::join(call, " ")));
  scene.judge();
}

TEST_F(Command, APasswordComesFromAFileAndOneInTheOpenIsWarnedOf) {
  const RedisServer server({"--requirepass", "hunter-two"});
  const std::string file = folder_.path() + "/password";
  std::ofstream(file) << "hunter-two\n";
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  const std::vector<std::string> call{"nodes", "svc", "--store-password-file", file};
  const std::vector<std::string> environment{"NODEPOOL_STORE=" + server.url()};
  // Whoever is told that there is no such service was let in.
  const Finished by_file = run_nodepool(call, environment);
  expect_one_sentence(by_file, 1, "by a file");
  EXPECT_NE(by_file.errors.find("knows no service"), std::string::npos) << by_file.errors;
  std::filesystem::permissions(file, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  const Finished open_file = run_nodepool(call, environment);
  EXPECT_TRUE(open_file.errors.starts_with("nodepool: warning: any user")) << open_file.errors;
  EXPECT_NE(open_file.errors.find("knows no service"), std::string::npos) << open_file.errors;
  const std::string port = std::to_string(server.port());
  const Finished in_argv = run({"nodes", "svc", "--store", "redis://:hunter-two@127.0.0.1:" + port});
  EXPECT_TRUE(in_argv.errors.starts_with("nodepool: warning: other users")) << in_argv.errors;
  EXPECT_EQ(in_argv.errors.find("hunter"), std::string::npos) << in_argv.errors;
  expect_one_sentence(run_nodepool({"nodes", "svc", "--store-password-file", file + ".none"}, environment), 2,
                      "without the file");
}

TEST_F(Command, HelpHasExamplesAndVersionIsOneLine) {
  for (const char* command : {"demo", "join", "run", "nodes", "owner", "ring", "drain"}) {
    const Finished help = run({command, "--help"});
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_NE(help.output.find("Example"), std::string::npos) << help.output;
    EXPECT_NE(help.output.find(fmt::format("nodepool {} ", command)), std::string::npos) << help.output;
  }
  const Finished version = run({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_TRUE(version.output.starts_with("nodepool ")) << version.output;
}

TEST_F(Command, RingPrintsKeysAndOwnersWithoutAStore) {
  const Finished ring = run_nodepool({"ring", "--node", "a", "--node", "b", "--points", "50", "key1", "key2"},
                                     {"NODEPOOL_STORE=redis://127.0.0.1:1"});
  EXPECT_EQ(ring.code, 0) << ring.errors;
  EXPECT_TRUE(ring.output.starts_with("key1\t")) << ring.output;
  EXPECT_EQ(std::count(ring.output.begin(), ring.output.end(), '\n'), 2);
  const Finished alone = run({"ring", "--node", "only=3", "key"});
  EXPECT_EQ(alone.output, "key\tonly\n");
}

TEST_F(Command, TheStoreCanBeNamedBeforeAndAfterTheSubCommand) {
  PoolScene scene(settings());
  ASSERT_TRUE(scene.step("a joins", [&] { scene.launch("a"); }));
  const std::vector<std::string> elsewhere{"NODEPOOL_STORE=redis://127.0.0.1:1"};
  EXPECT_EQ(run_nodepool({"--store", store(), "owner", "svc", "x"}, elsewhere).output, "x\ta\n");
  EXPECT_EQ(run_nodepool({"owner", "svc", "x", "--store", store()}, elsewhere).output, "x\ta\n");
  EXPECT_EQ(run({"owner", "svc", "x"}).output, "x\ta\n");
  scene.judge();
}

TEST_F(Command, NodesAndOwnerShowWhatTheNodesThemselvesSay) {
  PoolScene scene(settings());
  ASSERT_TRUE(scene.step("two join", [&] {
    scene.launch("a", {"--zone", "west", "--metadata", "version=7"});
    scene.launch("b", {"--weight", "2"});
  }));
  const auto json = nlohmann::json::parse(run({"nodes", "svc", "--format", "json"}).output);
  EXPECT_EQ(json.at("settled"), true);
  ASSERT_EQ(json.at("members").size(), 2U);
  EXPECT_EQ(json.at("members")[0].at("name"), "a");
  EXPECT_EQ(json.at("members")[0].at("zone"), "west");
  EXPECT_EQ(json.at("members")[0].at("metadata").at("version"), "7");
  EXPECT_EQ(json.at("members")[1].at("weight"), 2);
  const Finished text = run({"nodes", "svc"});
  EXPECT_NE(text.output.find("steady"), std::string::npos) << text.output;
  for (const char* name : {"a", "b"}) {
    for (const std::string& job :
         now_of(*scene.fleet().record(name), std::chrono::system_clock::now()).jobs) {
      EXPECT_EQ(run({"owner", "svc", job}).output, fmt::format("{}\t{}\n", job, name));
    }
  }
  scene.judge();
}

TEST_F(Command, WhatARuleOfPlacementSaysIsTheSameForNodesOwnerAndRing) {
  PoolScene::Settings many = settings();
  many.jobs = 24;
  PoolScene scene(many);
  ASSERT_TRUE(scene.step("two join", [&] {
    scene.launch("a", {"--placement", "rendezvous"});
    scene.launch("b", {"--placement", "rendezvous", "--weight", "2", "--points", "7"});
  }));
  const auto json = nlohmann::json::parse(run({"nodes", "svc", "--format", "json"}).output);
  EXPECT_EQ(json.at("placement"), "rendezvous-16");
  std::size_t told = 0;
  for (const char* name : {"a", "b"}) {
    for (const std::string& job :
         now_of(*scene.fleet().record(name), std::chrono::system_clock::now()).jobs) {
      const std::string line = fmt::format("{}\t{}\n", job, name);
      EXPECT_EQ(run({"owner", "svc", job}).output, line);
      EXPECT_EQ(run({"ring", "--placement", "rendezvous", "--node", "a", "--node", "b=2", job}).output, line);
      ++told;
    }
  }
  EXPECT_EQ(told, 24U);
  const Finished other = run({"join", "svc", "--name", "c", "--heartbeat", "300ms", "--lease", "1500ms"});
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.errors.find("rendezvous-16"), std::string::npos) << other.errors;
  scene.judge();
}

TEST_F(Command, DrainMakesANodeHandOverAndLeave) {
  PoolScene scene(settings());
  ASSERT_TRUE(scene.step("two join", [&] {
    scene.launch("a");
    scene.launch("b");
  }));
  const std::size_t told_before = scene.fleet().record("a")->events.size();
  ASSERT_TRUE(scene.step("a is drained", [&] {
    EXPECT_EQ(run({"drain", "svc", "a"}).code, 0);
    [[maybe_unused]] const bool ended =
        scene.wait_for("the end of a", [&] { return scene.fleet().alive().size() == 1; });
  }));
  const DemoResult result = scene.judge();
  EXPECT_FALSE(report_named(result, "a is drained").moved.empty());
  // Those told before are of b's joining, if a was alone for a moment.
  const std::vector<Event>& events = scene.fleet().record("a")->events;
  for (std::size_t index = told_before; index < events.size(); ++index) {
    const auto* revoked = std::get_if<RevokedEvent>(&events[index]);
    if (revoked == nullptr) continue;
    // Where the check comes late, the node has left already.
    EXPECT_TRUE(revoked->reason == RevokeReason::draining || revoked->reason == RevokeReason::stopped)
        << to_string(revoked->reason);
  }
}

TEST_F(Command, DrainOfANameThatTwoNodesHaveAsksForTheId) {
  PoolScene scene(settings());
  ASSERT_TRUE(scene.step("one joins", [&] { scene.launch("twin"); }));
  const std::string id =
      nlohmann::json::parse(run({"nodes", "svc", "--format", "json"}).output).at("members")[0].at("id");
  scene.launch("twin");
  ASSERT_TRUE(scene.wait_for("two members", [&] {
    return nlohmann::json::parse(run({"nodes", "svc", "--format", "json"}).output).at("members").size() == 2;
  }));
  const Finished ambiguous = run({"drain", "svc", "twin"});
  expect_one_sentence(ambiguous, 1, "drain");
  EXPECT_NE(ambiguous.errors.find(id), std::string::npos) << ambiguous.errors;
  EXPECT_EQ(run({"drain", "svc", id}).code, 0);
  EXPECT_TRUE(scene.wait_for("the end of the first",
                             [&] { return scene.fleet().nodes()[0].process.exit_code() == 0; }));
}

TEST_F(Command, JoinLeavesWhenItsReaderIsGone) {
  PoolScene scene(settings());
  ASSERT_TRUE(scene.step("a joins", [&] { scene.launch("a"); }));
  Child& process = scene.fleet().find("a")->process;
  process.close_output();
  EXPECT_TRUE(scene.wait_for("its end", [&] { return process.exit_code().has_value(); }));
  EXPECT_EQ(process.exit_code(), 0) << process.errors();
  const auto json = nlohmann::json::parse(run({"nodes", "svc", "--format", "json"}).output);
  EXPECT_TRUE(json.at("members").empty()) << "it has left, not vanished";
}

TEST_F(Command, JoinThatCannotStartSaysWhyAndFails) {
  const Finished finished =
      run({"join", "svc", "--store", "redis://127.0.0.1:1", "--start-timeout", "500ms"});
  EXPECT_EQ(finished.code, 1);
  EXPECT_EQ(finished.output.find("granted"), std::string::npos);
  EXPECT_NE(finished.errors.find("127.0.0.1:1"), std::string::npos) << finished.errors;
}

TEST_F(Command, JoinCanBeStoppedWhileItStarts) {
  auto child =
      Child::start({NODEPOOL_COMMAND, "join", "svc", "--store", "redis://127.0.0.1:1", "--format", "json"});
  ASSERT_TRUE(child);
  Fleet clock({});
  ASSERT_TRUE(clock.pump_until(
      [&] {
        child->read();
        return !child->errors().empty() || !child->output().empty();
      },
      10s));
  child->signal(SIGTERM);
  EXPECT_TRUE(clock.pump_until([&] { return child->exit_code().has_value(); }, 10s));
  EXPECT_EQ(child->exit_code(), 0);
}

TEST_F(Command, WatchTellsEachChangeUntilItIsStopped) {
  PoolScene scene(settings());
  ASSERT_TRUE(scene.step("a joins", [&] { scene.launch("a"); }));
  auto watch =
      Child::start({NODEPOOL_COMMAND, "nodes", "svc", "--watch", "--format", "json", "--store", store()});
  ASSERT_TRUE(watch);
  std::size_t members = 0;
  const auto sees = [&](std::size_t count) {
    watch->read();
    for (const std::string& line : watch->take_lines())
      members = nlohmann::json::parse(line).at("members").size();
    return members == count;
  };
  EXPECT_TRUE(scene.wait_for("one member", [&] { return sees(1); }));
  scene.launch("b");
  EXPECT_TRUE(scene.wait_for("two members", [&] { return sees(2); }));
  watch->signal(SIGINT);
  EXPECT_TRUE(scene.wait_for("its end", [&] { return watch->exit_code().has_value(); }));
  EXPECT_EQ(watch->exit_code(), 0);
  scene.judge();
}

}  // namespace
