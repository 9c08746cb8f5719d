#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "cli/parts/demo_report.hpp"
#include "cli/parts/fleet.hpp"

namespace nodepool::test {

/// One pool of real processes, what is done to it, and the judgement over all that its nodes told.
///
/// Each step waits for a new view and calm; `judge` ends all nodes and measures. What holds always is checked
/// there: never two owners, no job left without one, no pause of a job that did not move, every line of
/// output an event, every exit clean.
class PoolScene {
 public:
  struct Settings {
    std::string store;
    std::string service = "scene";
    unsigned jobs = 24;
    std::chrono::milliseconds heartbeat{1000};
    std::chrono::milliseconds lease{4000};
    /// False where all nodes lose their lease: then jobs pause without moving.
    bool unmoved_jobs_never_pause = true;
  };
  explicit PoolScene(Settings settings);

  [[nodiscard]] cli::Fleet& fleet() noexcept { return fleet_; }
  /// Starts a node; a test's failure if that cannot be done.
  void launch(const std::string& name, const std::vector<std::string>& more_arguments = {});
  /// Does something and waits until the nodes that should run have a newer view and are calm. False (and a
  /// failure of the test, with what the nodes said) if that takes longer than `at_most`.
  bool step(const std::string& name, const std::function<void()>& cause,
            std::chrono::milliseconds at_most = std::chrono::seconds(25));
  /// Waits for a condition on the events; false (and a failure) if that takes too long.
  bool wait_for(const std::string& what, const std::function<bool()>& condition,
                std::chrono::milliseconds at_most = std::chrono::seconds(25));
  /// Asks all to leave, waits for their end, and checks what must hold always. Prints the measurements.
  cli::DemoResult judge();

 private:
  [[nodiscard]] Epoch newest_epoch() const;
  void linger();
  [[nodiscard]] std::string what_they_said();

  Settings settings_;
  cli::Fleet fleet_;
  std::vector<cli::Happening> happenings_;
};

/// The report of one step; an empty one (and a failure of the test) if there is none of this name.
cli::HappeningReport report_named(const cli::DemoResult& result, const std::string& name);
/// The greatest pause of the jobs that moved, in milliseconds.
double longest_move_ms(const cli::HappeningReport& report);

}  // namespace nodepool::test
