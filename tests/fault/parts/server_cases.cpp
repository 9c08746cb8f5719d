// Faults of the server that all rely on: it dies, forgets, remembers what is over, hangs.

#include <filesystem>

#include "fault/parts/cases.hpp"

namespace nodepool::fault {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

void restart_with_all_data(Trial& trial) {
  trial.begin(kThree);
  const auto restart = [&] {
    trial.command({"SAVE"});
    trial.server().kill();
    trial.server().start();
  };
  trial.step("the server restarts with what it saved", [&] { trial.interrupt(restart); },
             {kThree, trial.after_lost_writes(), true, {}});
}

/// The first to find the store empty is a newcomer, while all others hold their leases.
void restart_empty_under_a_newcomer(Trial& trial) {
  trial.begin(kThree);
  const auto restart = [&] {
    trial.set_weather(kThree, {.requests_pass = false});
    trial.server().kill();
    trial.server().forget_data();
    trial.server().start();
    trial.launch("d");
    trial.wait_for("d to have a view", [&] {
      return cli::now_of(*trial.fleet().record("d"), std::chrono::system_clock::now()).members == 1;
    });
    trial.set_weather(kThree, {});
  };
  trial.step("a newcomer finds the store empty", [&] { trial.interrupt(restart); },
             {{"a", "b", "c", "d"}, trial.after_lost_writes(), true, {}});
}

/// The snapshot knows a node that has left since, and does not know one that has joined since.
void restart_from_an_old_snapshot(Trial& trial) {
  trial.begin(kThree);
  const std::string saved = trial.saved_file();
  trial.command({"SAVE"});
  fs::copy_file(saved, saved + ".old");
  trial.step("c leaves", [&] { trial.fleet().ask_to_leave("c"); },
             {{"a", "b"}, trial.after_return(), true, {}});
  trial.step("d joins", [&] { trial.launch("d"); }, {{"a", "b", "d"}, trial.after_return(), true, {}});
  const auto restart = [&] {
    trial.command({"SAVE"});
    trial.server().kill();
    fs::rename(saved + ".old", saved);
    trial.server().start();
  };
  // The node that has left must be missed for a lease again.
  trial.step("the server restarts from an old snapshot", [&] { trial.interrupt(restart); },
             {{"a", "b", "d"}, trial.after_lost_writes() + trial.after_silence(), true, {}, true});
}

/// A true replica, cut off from its master while a node leaves and one joins, then made the master.
void fail_over_to_a_stale_replica(Trial& trial) {
  trial.begin(kThree);
  test::TcpGate replication(trial.server().port());
  test::RedisServer replica({"--replicaof", "127.0.0.1 " + std::to_string(replication.port())});
  trial.wait_for("the replica to follow", [&] {
    return replica.command({"INFO", "replication"}).find("master_link_status:up") != std::string::npos &&
           replica.command({"EXISTS", "nodepool:{trial}:pool"}) == "1\n";
  });
  replication.set({.replies_pass = false});
  trial.step("c leaves", [&] { trial.fleet().ask_to_leave("c"); },
             {{"a", "b"}, trial.after_return(), true, {}});
  trial.step("d joins", [&] { trial.launch("d"); }, {{"a", "b", "d"}, trial.after_return(), true, {}});
  const auto fail_over = [&] {
    trial.server().kill();
    if (replica.command({"REPLICAOF", "NO", "ONE"}) != "OK\n") throw Trouble("the replica refused");
    for (const std::string node : {"a", "b", "d"}) trial.gate(node).lead_to(replica.port());
  };
  trial.step("the stale replica is the master", [&] { trial.interrupt(fail_over); },
             {{"a", "b", "d"}, trial.after_lost_writes() + trial.after_silence(), true, {}, true});
  trial.end_all();  // While the replica is there.
}

void delete_all_keys(Trial& trial) {
  trial.begin(kThree);
  trial.step("all keys are deleted", [&] { trial.command({"FLUSHALL"}); },
             {kThree, trial.after_lost_writes(), true, {}});
}

/// The server answers nobody for longer than a lease; it runs what it was asked meanwhile when it is back.
void pause_clients(Trial& trial) {
  trial.begin(kThree);
  const auto pause = [&] {
    trial.command({"CLIENT", "PAUSE", "3000", "ALL"});
    trial.wait_for("all to fence themselves", [&] { return trial.fenced(kThree); });
    trial.command({"PING"});
  };
  trial.step("CLIENT PAUSE for 3 s", pause, {kThree, trial.after_return(), false, kThree});
}

void hang(Trial& trial) {
  trial.begin(kThree);
  trial.step("DEBUG SLEEP for 3 s",
             [&] {
               trial.command({"DEBUG", "SLEEP", "3"});
             },
             {kThree, trial.after_return(), false, kThree});
}

void hang_shortly(Trial& trial) {
  trial.begin(kThree);
  trial.step("DEBUG SLEEP for 0.6 s",
             [&] {
               trial.command({"DEBUG", "SLEEP", "0.6"});
             },
             {kThree, trial.after_return(), false, {}});
}

}  // namespace

std::vector<Case> server_cases() {
  return {
      {"TheServerRestartsWithItsData", "server killed, restarted from what it saved just before",
       restart_with_all_data},
      {"ANewcomerFindsTheStoreEmpty", "server restarted empty, and a newcomer is the first to ask",
       restart_empty_under_a_newcomer},
      {"TheServerRestartsFromAnOldSnapshot", "server restarted from a snapshot older than a leave and a join",
       restart_from_an_old_snapshot},
      {"AStaleReplicaTakesOver", "master killed; its replica missed a leave and a join, and takes over",
       fail_over_to_a_stale_replica},
      {"AllKeysAreDeleted", "FLUSHALL under a running pool", delete_all_keys},
      {"TheServerPausesItsClients", "CLIENT PAUSE 3000 ALL (longer than a lease)", pause_clients},
      {"TheServerHangs", "DEBUG SLEEP 3 (longer than a lease)", hang},
      {"TheServerHangsShortly", "DEBUG SLEEP 0.6 (shorter than a lease)", hang_shortly},
  };
}

}  // namespace nodepool::fault
