#include "scale/worker.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <map>
#include <memory>
#include <thread>

#include "nodepool/redis.hpp"

namespace nodepool::bench {
namespace {

constexpr std::uint64_t kStates = 8;

/// Understands of a pool's log what the benchmark asks: it is the cheapest of all that a pool tells, as no
/// list of members is copied for it.
void hear(Told& told, LogLevel level, std::span<const LogField> fields) {
  std::string_view state;
  Epoch epoch;
  for (const LogField& field : fields) {
    if (field.key == "state") state = field.value;
    if (field.key == "epoch") {
      std::from_chars(field.value.data(), field.value.data() + field.value.size(), epoch.value);
    }
  }
  if (level >= LogLevel::warning) told.troubles.fetch_add(1);
  if (state.empty()) return;
  auto now_in = NodeState::stopped;
  for (const auto each : {NodeState::joining, NodeState::upgrading, NodeState::steady, NodeState::draining,
                          NodeState::suspended}) {
    if (to_string(each) == state) now_in = each;
  }
  if (now_in == NodeState::suspended) told.leases_lost.fetch_add(1);
  told.since_ns.store(BootClock::now().time_since_epoch().count());
  told.standing.store(pack(now_in, epoch));
}

/// One node: its pool and the thread that waits for its start, or for its end.
class Member {
 public:
  Member(const Crowd::Settings& settings, std::shared_ptr<Driver> driver, std::size_t number, Told& told)
      : pool_(ServiceName("crowd"), std::move(driver), options(settings, number, told)) {}
  ~Member() {
    if (thread_.joinable()) thread_.join();
  }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  void start() {
    thread_ = std::thread([this] {
      constexpr std::chrono::hours patience{1};  // The benchmark judges how long it took.
      if (auto started = pool_.start(patience); !started) {
        fmt::print(stderr, "a node could not start: {}\n", started.error().message);
      }
    });
  }
  void stop() {
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([this] { pool_.stop(); });
  }

 private:
  static PoolOptions options(const Crowd::Settings& settings, std::size_t number, Told& told) {
    PoolOptions options;
    options.name = fmt::format("node-{}", number);
    options.heartbeat = settings.heartbeat;
    options.lease = settings.lease;
    options.logger = [&told](LogLevel level, std::string_view, std::span<const LogField> fields) {
      hear(told, level, fields);
    };
    return options;
  }

  NodePool pool_;
  std::thread thread_;
};

}  // namespace

std::uint64_t pack(NodeState state, Epoch epoch) noexcept {
  return epoch.value * kStates + static_cast<std::uint64_t>(state);
}

Standings unpack(std::uint64_t standing, std::int64_t since_ns) noexcept {
  return {static_cast<NodeState>(standing % kStates), Epoch{standing / kStates},
          MonotonicTime(std::chrono::nanoseconds(since_ns))};
}

void run_worker(const Crowd::Settings& settings, Told* told, int orders) {
  auto driver = open_redis(settings.store);
  if (!driver) return;
  std::map<std::size_t, std::unique_ptr<Member>> members;
  for (Order order; receive(orders, order);) {
    for (std::size_t node = order.nodes.first; node < order.nodes.first + order.nodes.count; ++node) {
      auto& member = members[node];
      switch (order.kind) {
        case Order::Kind::start:
          member = std::make_unique<Member>(settings, *driver, node, told[node]);
          member->start();
          break;
        case Order::Kind::stop:
          if (member) member->stop();
          break;
      }
    }
  }
  // The crowd ends its processes; nobody waits for good-byes.
  ::_exit(0);
}

}  // namespace nodepool::bench
