#include "simulation/scenario.hpp"

#include <fmt/core.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "simulation/checkers.hpp"

namespace nodepool::simulation {
namespace {

using namespace std::chrono_literals;

constexpr nanoseconds kFaulty = 40s;
constexpr nanoseconds kLatest = 10s;  ///< How late a message may come, and so how long faults echo.
constexpr std::uint64_t kFaultFreeEvery = 4;

/// How one node reaches the store.
struct Link {
  bool requests_cut = false;
  bool replies_cut = false;
  bool to_old_master = false;
  nanoseconds slow{0};
};

class Scenario {
 public:
  Scenario(std::uint64_t seed, bool trace)
      : world_(seed, trace),
        fault_free_(seed % kFaultFreeEvery == 0),
        store_(world_, [this](const Hint& hint) { tell(hint); }),
        one_owner_(world_, nodes_, jobs_),
        unmoved_(world_, jobs_, fault_free_),
        tokens_(world_),
        store_checker_(world_) {
    draw_pool();
    draw_faults();
  }

  Summary run() {
    for (int node = 0; node < std::ssize(nodes_); ++node) {
      if (node < 2 || world_.chance(0.6))
        world_.after(world_.between(0s, 2s), [this, node] { nodes_[index(node)]->start(); });
    }
    next_fault();
    next_claim();
    world_.run_until(kFaulty);
    heal();
    world_.run_until(kFaulty + kLatest + 8 * settings_.config.lease + 2s);
    check_all_settled(world_, nodes_, jobs_);
    summary_.simulated = world_.now();
    summary_.events = world_.events();
    for (const auto& node : nodes_) summary_.fences += node->fences();
    return summary_;
  }

 private:
  static std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

  void draw_pool() {
    settings_.config.points = 8;
    settings_.config.heartbeat = std::chrono::milliseconds(world_.between(100, 1000));
    settings_.config.lease = settings_.config.heartbeat * world_.between(3, 6);
    settings_.store_timeout = std::chrono::milliseconds(
        world_.between(settings_.config.heartbeat.count() / 2, settings_.config.lease.count()));
    settings_.drain_grace = std::chrono::milliseconds(world_.between(0, 8000));
    for (int job = 0; job < 8; ++job) jobs_.push_back(fmt::format("job{}", job));
    const auto count = world_.between(2, 5);
    links_.resize(index(count));
    for (int i = 0; i < count; ++i) {
      auto node =
          std::make_unique<SimNode>(world_, i, settings_, static_cast<unsigned>(world_.between(1, 3)),
                                    [this](int from, const SyncRequest& request, SimNode::Answer answer) {
                                      send(from, request, std::move(answer));
                                    });
      node->on_change = [this](SimNode& changed) {
        one_owner_.after_change(changed);
        unmoved_.after_change(changed);
      };
      node->on_claim = [this](SimNode& holder, const SimClaim& claim) {
        ++summary_.claims;
        tokens_.after_claim(holder, claim);
      };
      nodes_.push_back(std::move(node));
    }
  }

  // ---- the network
  // ------------------------------------------------------------------------------------------------

  nanoseconds hop(const Link& link) {
    const bool spike = !fault_free_ && world_.chance(spikes_);
    return world_.between(20us, 2ms) + link.slow + (spike ? world_.between(0s, kLatest) : 0s);
  }

  void send(int from, const SyncRequest& request, SimNode::Answer answer) {
    const Link& link = links_[index(from)];
    const int server = store_.run();
    if (!fault_free_ && world_.chance(duplicates_)) {
      world_.after(world_.between(0s, kLatest),
                   [this, from, request, server] { arrive(from, request, server, nullptr); });
    }
    if (link.requests_cut || (!fault_free_ && world_.chance(losses_))) return;
    world_.after(hop(link), [this, from, request, server, answer = std::move(answer)] {
      arrive(from, request, server, answer);
    });
  }

  /// A request reaches the server it was sent to, or none: its connection ends with that server's run.
  void arrive(int from, const SyncRequest& request, int server, const SimNode::Answer& answer) {
    const Link& link = links_[index(from)];
    if (link.to_old_master) return store_.execute_on_old_master(request);
    if (server != store_.run()) return;
    if (store_.paused_until() > world_.now()) {
      return world_.after(store_.paused_until() - world_.now() + world_.between(1us, 1ms),
                          [this, from, request, server, answer] { arrive(from, request, server, answer); });
    }
    auto reply = store_.execute(request);
    store_checker_.after_request(store_.state());
    if (!answer || link.replies_cut || (!fault_free_ && world_.chance(losses_))) return;
    world_.after(hop(link), [answer, reply = std::move(reply)] { answer(reply); });
  }

  void tell(const Hint& hint) {
    if (hint.kind == Hint::Kind::view) ++summary_.views;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (links_[i].replies_cut || links_[i].to_old_master || (!fault_free_ && world_.chance(hint_losses_)))
        continue;
      world_.after(hop(links_[i]), [this, i, hint] { nodes_[i]->hear(hint); });
    }
  }

  // ---- faults
  // -----------------------------------------------------------------------------------------------------

  using Fault = std::function<void(SimNode& node, Link& link, nanoseconds duration)>;

  void undo(nanoseconds after, std::function<void()> action) { world_.after(after, std::move(action)); }

  /// Swarm testing (Groce et al. 2012): each seed uses only some kinds of faults, so that rare combinations
  /// come up.
  void draw_faults() {
    losses_ = world_.chance(0.3) ? 0.1 : 0.0;
    hint_losses_ = world_.chance(0.3) ? 0.5 : 0.0;
    spikes_ = world_.chance(0.3) ? 0.02 : 0.0;
    duplicates_ = world_.chance(0.3) ? 0.1 : 0.0;
    add(1.0, "starts", [](SimNode& node, Link&, nanoseconds) { node.start(); });
    add(1.0, "drains", [](SimNode& node, Link&, nanoseconds) { node.drain(); });
    if (fault_free_) return;
    add(0.6, "crashes", [](SimNode& node, Link&, nanoseconds) { node.crash(); });
    add(0.6, "freezes", [this](SimNode& node, Link&, nanoseconds duration) {
      node.freeze();
      undo(duration, [&node] { node.thaw(); });
    });
    add(0.4, "is cut off", [this](SimNode&, Link& link, nanoseconds duration) {
      link.requests_cut = link.replies_cut = true;
      undo(duration, [&link] { link.requests_cut = link.replies_cut = false; });
    });
    add(0.4, "gets no replies", [this](SimNode&, Link& link, nanoseconds duration) {
      link.replies_cut = true;
      undo(duration, [&link] { link.replies_cut = false; });
    });
    add(0.3, "has a slow link", [this](SimNode&, Link& link, nanoseconds duration) {
      link.slow = world_.between(10ms, 600ms);
      undo(duration, [&link] { link.slow = 0ms; });
    });
    draw_store_faults();
  }

  void draw_store_faults() {
    add(0.4, "store: pause", [this](SimNode&, Link&, nanoseconds duration) { store_.pause(duration); });
    add(0.3, "store: restart", [this](SimNode&, Link&, nanoseconds) { store_.restart(); });
    add(0.3, "store: loses all, restarts",
        [this](SimNode&, Link&, nanoseconds) { store_.lose_everything(true); });
    add(0.3, "store: loses all (flush)",
        [this](SimNode&, Link&, nanoseconds) { store_.lose_everything(false); });
    add(0.4, "store: stale failover",
        [this](SimNode&, Link&, nanoseconds duration) { store_.fail_over(duration); });
    add(0.3, "store: clock back",
        [this](SimNode&, Link&, nanoseconds duration) { store_.step_clock(-duration * 100); });
    add(0.3, "store: clock forward", [this](SimNode&, Link&, nanoseconds duration) {
      if (world_.now() < last_forward_step_ + settings_.config.lease * 3 / 2)
        return;  // P1's assumption: once within a lease
      last_forward_step_ = world_.now();
      store_.step_clock(duration * 100);
    });
    add(0.3, "store: split", [this](SimNode&, Link& link, nanoseconds duration) {
      store_.split();
      link.to_old_master = true;
      undo(duration, [&link] { link.to_old_master = false; });
    });
  }

  void add(double probability, std::string name, Fault fault) {
    if (world_.chance(probability)) faults_.emplace_back(std::move(name), std::move(fault));
  }

  void next_fault() {
    if (faults_.empty()) return;
    world_.after(world_.between(50ms, 4s), [this] {
      if (world_.now() >= kFaulty) return;
      const auto who = index(world_.between(0, std::ssize(nodes_) - 1));
      const auto& [name, fault] = faults_[index(world_.between(0, std::ssize(faults_) - 1))];
      const nanoseconds duration = world_.chance(0.5) ? world_.between(1ms, 1s) : world_.between(1s, 12s);
      if (world_.tracing()) {
        world_.trace(nodes_[who]->name(),
                     fmt::format("FAULT {} ({} ms)", name, duration.count() / 1'000'000));
      }
      ++summary_.faults;
      fault(*nodes_[who], links_[who], duration);
      next_fault();
    });
  }

  void next_claim() {
    world_.after(world_.between(1ms, 60ms), [this] {
      const auto who = index(world_.between(0, std::ssize(nodes_) - 1));
      const auto& job = jobs_[index(world_.between(0, std::ssize(jobs_) - 1))];
      const nanoseconds duration = world_.chance(0.8) ? world_.between(1ms, 300ms) : world_.between(1s, 9s);
      nodes_[who]->try_claim(job, duration, world_.chance(0.5));
      if (world_.now() < kFaulty) next_claim();
    });
  }

  void heal() {
    losses_ = hint_losses_ = spikes_ = duplicates_ = 0;
    for (Link& link : links_) link = {};
    store_.pause(0s);
    if (world_.tracing()) world_.trace("world", "faults have ended");
    for (const auto& node : nodes_) node->thaw();
    for (const auto& node : nodes_) {
      if (world_.chance(0.5)) node->start();
    }
  }

  World world_;
  const bool fault_free_;
  NodeSettings settings_;
  std::vector<std::string> jobs_;
  Nodes nodes_;
  std::vector<Link> links_;
  SimStore store_;
  OneOwnerChecker one_owner_;
  UnmovedJobsChecker unmoved_;
  TokenChecker tokens_;
  StoreChecker store_checker_;
  std::vector<std::pair<std::string, Fault>> faults_;
  double losses_ = 0;
  double hint_losses_ = 0;
  double spikes_ = 0;
  double duplicates_ = 0;
  TrueTime last_forward_step_{-1h};
  Summary summary_;
};

}  // namespace

Summary run_scenario(std::uint64_t seed, bool trace) {
  return Scenario(seed, trace).run();
}

}  // namespace nodepool::simulation
