#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/parts/child.hpp"
#include "cli/parts/timeline.hpp"

namespace nodepool::cli {

/// Several real nodes of one pool: each a `nodepool join ... --format json` process whose events are
/// recorded. Belongs to one thread, which must call `pump` (or something that waits) for anything to be
/// noticed.
class Fleet {
 public:
  struct Options {
    std::string command;  ///< The nodepool program.
    std::string store;    ///< Its URL; handed over in the environment, where `ps` does not show it.
    std::string service;
    std::vector<std::string> jobs;       ///< That each node offers to run.
    std::vector<std::string> arguments;  ///< More of each join: the lease, ...
  };
  struct Node {
    std::string name;
    Child process;
    bool frozen = false;
    bool leaving = false;  ///< Was asked to.
  };

  explicit Fleet(Options options);

  /// Starts a node. A name may be used again once its node has ended.
  [[nodiscard]] Result<void> launch(const std::string& name,
                                    const std::vector<std::string>& more_arguments = {});
  /// Sends SIGTERM: it leaves cleanly.
  void ask_to_leave(const std::string& name);
  /// Sends SIGKILL, and notes when.
  void crash(const std::string& name);
  /// SIGSTOP and SIGCONT.
  void freeze(const std::string& name);
  void thaw(const std::string& name);

  /// Reads events, waiting for the first at most this long.
  void pump(std::chrono::milliseconds at_most);
  /// Pumps until the condition holds (true) or the time is over (false).
  [[nodiscard]] bool pump_until(const std::function<bool()>& condition, std::chrono::milliseconds at_most);
  /// The nodes that run (frozen and leaving ones do not count) all have the same view of exactly them, are
  /// steady, and each of the jobs has one owner among them. O(events).
  [[nodiscard]] bool calm() const;

  /// Every process ever started, in order; those of one name together form one life after another.
  [[nodiscard]] const std::vector<NodeRecord>& records() const noexcept { return records_; }
  [[nodiscard]] std::vector<Node>& nodes() noexcept { return nodes_; }
  /// The names of the nodes that run, are not frozen and were not asked to leave.
  [[nodiscard]] std::vector<std::string> alive() const;
  /// The newest process of a name; nullptr if there is none.
  [[nodiscard]] Node* find(const std::string& name);
  [[nodiscard]] const NodeRecord* record(const std::string& name) const;
  /// What was wrong with a line of output; empty if all were events.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

 private:
  [[nodiscard]] bool is_alive(std::size_t index) const;
  void signal(const std::string& name, int number);

  Options options_;
  std::vector<Node> nodes_;  // The same order as records_.
  std::vector<NodeRecord> records_;
  std::vector<bool> running_;  // As noticed by the last pump; the same order.
  std::string trouble_;
};

}  // namespace nodepool::cli
