#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "simulation/sim_node.hpp"
#include "simulation/sim_store.hpp"

namespace nodepool::simulation {

using Nodes = std::vector<std::unique_ptr<SimNode>>;

/// P1 and P2: at no instant of true time do two nodes say yes for one job, nor does one say yes while another
/// holds a claim of it with its lease. Time alone turns a yes into a no and never the reverse, so looking
/// after every change is looking always.
class OneOwnerChecker {
 public:
  OneOwnerChecker(const World& world, const Nodes& nodes, const std::vector<std::string>& jobs)
      : world_(world), nodes_(nodes), jobs_(jobs) {}
  void after_change(const SimNode& changed) const;

 private:
  const World& world_;
  const Nodes& nodes_;
  const std::vector<std::string>& jobs_;
};

/// P3: a yes ends only because the job has moved, the node drains, or its lease is gone; and in a run without
/// faults no lease is ever gone.
class UnmovedJobsChecker {
 public:
  UnmovedJobsChecker(const World& world, const std::vector<std::string>& jobs, bool fault_free)
      : world_(world), jobs_(jobs), fault_free_(fault_free) {}
  void after_change(const SimNode& changed);

 private:
  const World& world_;
  const std::vector<std::string>& jobs_;
  const bool fault_free_;
  struct Last {
    bool yes = false;
    std::uint64_t fences = 0;
  };
  std::map<std::pair<std::string, std::string>, Last> last_;  ///< By node and job.
};

/// P5: the token of a later claim is never smaller, and greater if it is another node's.
class TokenChecker {
 public:
  explicit TokenChecker(const World& world) : world_(world) {}
  void after_claim(const SimNode& node, const SimClaim& claim);

 private:
  struct Last {
    std::string node;
    FencingToken token;
  };
  const World& world_;
  std::map<std::string, Last> last_;  ///< By job.
};

/// What must hold of the store's state at all times: one view is one membership; settled means settled.
class StoreChecker {
 public:
  explicit StoreChecker(const World& world) : world_(world) {}
  void after_request(const std::optional<PoolState>& state);

 private:
  const World& world_;
  std::map<std::pair<std::uint64_t, std::string>, std::string> members_;  ///< By epoch and view id.
};

/// When faults have ended and time has passed: every node is steady in one view, and every job has exactly
/// one owner, unless a claim of a former owner is still running.
void check_all_settled(const World& world, const Nodes& nodes, const std::vector<std::string>& jobs);

}  // namespace nodepool::simulation
