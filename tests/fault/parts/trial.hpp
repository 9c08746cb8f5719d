#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/parts/fleet.hpp"
#include "fault/parts/checker.hpp"
#include "fault/parts/stall_watch.hpp"
#include "support/process.hpp"
#include "support/redis_server.hpp"
#include "support/tcp_gate.hpp"

namespace nodepool::fault {

using std::chrono::milliseconds;
using Names = std::vector<std::string>;
/// The fleet of most cases.
inline const Names kThree{"a", "b", "c"};

/// A fault could not be brought about, or the pool did not get over it in time: the trial ends.
class Trouble : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What one trial measured.
struct Figures {
  std::size_t overlaps = 0;           ///< Instants with two owners.
  std::optional<double> unmoved_ms;   ///< Longest pause of a job with the same owner before and after a step.
  std::optional<double> moved_ms;     ///< Longest pause of a job with another owner.
  std::optional<double> recovery_ms;  ///< Longest time from a fault's end until all were steady in one view.
  std::optional<milliseconds> allowed;  ///< What that step may take.
  Names fenced;                         ///< Nodes that lost their lease.
  std::vector<Violation> violations;    ///< Empty if all is well.
};

/// One pool of real processes on a real server, each node behind a gate of its own; what is done to it, and
/// the judgement over all that its nodes told. Belongs to one thread; its processes end with it.
class Trial {
 public:
  struct Settings {
    milliseconds heartbeat{250};
    milliseconds lease{1600};
    unsigned jobs = 16;
  };
  /// What a step is to lead to.
  struct Aim {
    Names steady;            ///< These nodes, and no others, are in one settled view.
    milliseconds within;     ///< So long after the cause has returned.
    bool newer_view = true;  ///< Than before the step.
    Names may_lose_lease;    ///< Of all others, a lost lease is a violation, unless the machine stalled.
    /// The store brings back members that are gone. For a while their jobs are theirs, and nobody's.
    bool ghosts = false;
  };

  explicit Trial(const Settings& settings);
  Trial() : Trial(Settings{}) {}

  [[nodiscard]] test::RedisServer& server() noexcept { return server_; }
  [[nodiscard]] cli::Fleet& fleet() noexcept { return *fleet_; }
  [[nodiscard]] test::TcpGate& gate(const std::string& node) { return *gates_.at(node); }
  /// The same for a node that is still to be launched.
  test::TcpGate& make_gate(const std::string& node);
  void set_weather(const Names& nodes, const test::TcpGate::Weather& weather);

  /// Starts a node behind its gate.
  void launch(const std::string& node);
  /// Launches nodes and waits until they are steady: the beginning of a trial.
  void begin(const Names& nodes);
  /// Does something and waits for what it is to lead to, and that it stays so for a moment. Throws Trouble if
  /// that takes longer than the aim says.
  void step(const std::string& name, const std::function<void()>& cause, const Aim& aim);
  /// Waits while reading what the nodes tell; throws Trouble after `at_most`.
  void wait_for(const std::string& what, const std::function<bool()>& condition,
                milliseconds at_most = std::chrono::seconds(20));
  /// Lets time pass, reading what the nodes tell.
  void pass(milliseconds duration);
  /// Asks all nodes to leave and waits for their end.
  void end_all();
  /// The same, and judges.
  [[nodiscard]] Figures judge();

  /// The nodes hold one settled view of exactly them, and each job has one owner among them.
  [[nodiscard]] bool steady(const Names& nodes) const;
  /// Each of the nodes has no lease and runs nothing.
  [[nodiscard]] bool fenced(const Names& nodes) const;
  /// What the nodes are doing and what they complained of.
  [[nodiscard]] std::string what_they_said();

  /// Does something during which the server serves nobody, such as a restart. It is to be quick: if the
  /// machine takes longer than a third of a lease for it (a busy disk), that counts as a stall.
  void interrupt(const std::function<void()>& what);
  /// A server with "enable-debug-command yes": its answer; throws Trouble on an error.
  std::string command(const std::vector<std::string>& arguments);
  /// Puts the server's civil clock forward, or back, from now on.
  void step_clock(std::chrono::microseconds by);
  /// The file that the server saves to and starts from.
  [[nodiscard]] std::string saved_file();

  // How long the pool may take, from the protocol's own times and some slack for a busy machine.
  /// Until the others run a silent node's jobs: its lease, noticed at the latest with the next heartbeat.
  [[nodiscard]] milliseconds after_silence() const;
  /// Until a node whose way to the server is open again is steady: the longest back-off of the connection
  /// (1 s), one call that was under way, and the rounds of a view.
  [[nodiscard]] milliseconds after_return() const;
  /// Until the pool is steady after its server has lost writes: the same and the barrier, which is a lease.
  [[nodiscard]] milliseconds after_lost_writes() const;

 private:
  struct Step {
    cli::Happening happening;
    Aim aim;
    WallTime healed;  ///< When its cause had returned.
  };
  [[nodiscard]] Epoch newest_epoch() const;
  void judge_step(const Step& step, WallTime now);
  void judge_exits();

  Settings settings_;
  StallWatch stall_watch_;
  test::TemporaryFolder folder_;
  test::RedisServer server_;
  std::map<std::string, std::unique_ptr<test::TcpGate>> gates_;
  std::unique_ptr<cli::Fleet> fleet_;
  std::vector<Step> steps_;
  Figures figures_;
};

}  // namespace nodepool::fault
