#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "fault/parts/trial.hpp"

namespace nodepool::soak {

/// Does random harm to a pool: to its nodes, to the network and to the server, one thing on top of another.
/// The same seed makes the same choices, as far as the pool then is in the same state.
class Mischief {
 public:
  Mischief(fault::Trial& trial, fault::Names nodes, std::uint64_t seed);

  /// Some faults at random instants of a few seconds.
  void play_round();
  /// Everything works again and every node runs, but for the time that it takes the pool to get over it.
  void heal();
  /// What was done so far, a line each.
  [[nodiscard]] const std::vector<std::string>& story() const noexcept { return story_; }
  /// How many faults that was.
  [[nodiscard]] std::size_t faults() const noexcept { return faults_; }

 private:
  enum class Deed {
    cut_requests,
    cut_replies,
    cut_both,
    slow_down,
    refuse,
    reset,
    heal_link,
    freeze,
    thaw,
    crash,
    leave,
    launch,
    restart_saved,
    restart_as_last_saved,
    restart_empty,
    restart_old,
    keep_snapshot,
    freeze_server,
    pause_clients,
    delete_keys,
    step_clock,
    count
  };
  void commit(Deed deed);
  /// What concerns one node; false if it was something else.
  bool do_to_node(Deed deed, const std::string& node);
  void do_to_server(Deed deed);
  void restart_server();
  void step_clock();
  void launch_if_gone(const std::string& node);

  [[nodiscard]] std::int64_t pick(std::int64_t least, std::int64_t most);
  [[nodiscard]] std::chrono::milliseconds some_time(std::int64_t least_ms, std::int64_t most_ms);
  void tell(const std::string& what);

  fault::Trial& trial_;
  fault::Names nodes_;
  std::mt19937_64 random_;
  std::string saved_;
  std::int64_t clock_offset_s_ = 0;
  WallTime last_forward_step_;
  WallTime paused_until_;  ///< By a CLIENT PAUSE.
  std::vector<std::string> story_;
  std::size_t faults_ = 0;
};

}  // namespace nodepool::soak
