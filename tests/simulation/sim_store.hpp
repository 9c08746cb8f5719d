#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "nodepool/view_store.hpp"
#include "simulation/world.hpp"

namespace nodepool::simulation {

/// One database server: the production store logic, with a clock of its own and a memory that can be lost.
class SimStore {
 public:
  SimStore(World& world, std::function<void(const Hint&)> publish);

  /// Executes a request on the present master.
  Result<SyncReply> execute(const SyncRequest& request);
  /// Executes a request on the master that was replaced, which does not know it. With `min_replicas` set as
  /// the docs say for fleets with replicas, nobody believes its answers: there is none.
  void execute_on_old_master(const SyncRequest& request);

  void step_clock(nanoseconds by);
  void restart();  ///< Nothing is lost, but the run id changes.
  void lose_everything(bool restarted);
  void fail_over(
      nanoseconds lag);  ///< A replica that is `lag` behind becomes the master; the old one is dead.
  void split();          ///< An up-to-date replica becomes the master; the old one lives on.
  void pause(nanoseconds duration) { paused_until_ = world_.now() + duration; }
  [[nodiscard]] TrueTime paused_until() const noexcept { return paused_until_; }

  /// Which run of which server this is: connections end with it.
  [[nodiscard]] int run() const noexcept { return run_; }
  [[nodiscard]] const std::optional<PoolState>& state() const noexcept { return state_; }

 private:
  [[nodiscard]] StoreNow present() const;
  void remember();

  World& world_;
  std::function<void(const Hint&)> publish_;
  std::optional<PoolState> state_;
  std::optional<PoolState> old_master_;
  std::deque<std::pair<TrueTime, std::optional<PoolState>>> history_;  ///< For replicas that lag.
  double rate_;
  nanoseconds offset_{0};
  std::size_t batches_from_;
  int run_ = 0;
  TrueTime paused_until_{0};
};

}  // namespace nodepool::simulation
