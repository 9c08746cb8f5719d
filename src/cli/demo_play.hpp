#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/demo_stage.hpp"
#include "cli/parts/demo_report.hpp"
#include "cli/parts/fleet.hpp"
#include "cli/parts/signals.hpp"
#include "nodepool/driver.hpp"

namespace nodepool::cli {

struct DemoSettings {
  unsigned nodes = 5;
  unsigned jobs = 20;
  std::string store;  ///< The URL that the nodes are given.
  std::string service;
};

/// The main job, played with real processes: nodes join, one leaves, one crashes, one is frozen and wakes.
class DemoPlay {
 public:
  /// `observer` looks at the same store; it only serves to explain why the start takes long.
  DemoPlay(const DemoSettings& settings, SignalWatch& signals, std::unique_ptr<Session> observer);

  /// Plays it and tells the summary; returns the exit code.
  [[nodiscard]] int run();

 private:
  [[nodiscard]] bool play();
  [[nodiscard]] bool step(const std::string& name, const std::function<void()>& cause);
  [[nodiscard]] bool wait_for_calm();
  void linger();
  void watch();
  void explain_barrier();
  void launch(unsigned number);
  [[nodiscard]] bool interrupted() const;
  [[nodiscard]] int failed();
  [[nodiscard]] std::string result_line(const Happening& happening) const;

  const DemoSettings settings_;
  SignalWatch& signals_;
  std::unique_ptr<Session> observer_;
  DemoStage stage_;
  Fleet fleet_;
  std::vector<Happening> happenings_;
  std::string trouble_;
  bool barrier_explained_ = false;
};

}  // namespace nodepool::cli
