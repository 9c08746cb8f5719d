#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "cli/parts/child.hpp"
#include "cron_soak/accounts.hpp"
#include "support/process.hpp"
#include "support/redis_server.hpp"
#include "support/tcp_gate.hpp"

namespace nodepool::cron_soak {

/// Daemons of one file on one server, each behind a gate of its own, with mischief made on purpose.
class DaemonFleet {
 public:
  /// Throws std::runtime_error if something cannot be started.
  DaemonFleet(unsigned daemons, unsigned jobs, std::uint64_t seed);

  /// Random faults, one after the other, until then; all is healed at the end.
  void play(MonotonicTime until);
  /// Waits until every job has been decided up to now by a healthy fleet; false if that does not come.
  [[nodiscard]] bool settle();
  /// Ends the daemons in peace; the exit codes that are not 0, in words.
  [[nodiscard]] std::vector<std::string> stop();
  [[nodiscard]] std::vector<JobStory> stories();
  /// What was done, for people.
  [[nodiscard]] const std::vector<std::string>& deeds() const noexcept { return deeds_; }

 private:
  struct Daemon {
    std::string name;
    std::unique_ptr<test::TcpGate> gate;
    std::optional<cli::Child> process;
    MonotonicTime healed_at{};  ///< When its fault ends; none if it is past.
    enum class Fault { none, killed, frozen, cut } fault = Fault::none;
  };

  void write_file(unsigned jobs) const;
  void launch(Daemon& daemon);
  void harm(Daemon& daemon, MonotonicTime now);
  void heal(Daemon& daemon);
  void drain_output();
  [[nodiscard]] std::string file() const { return folder_.path() + "/jobs.toml"; }
  [[nodiscard]] std::string diary() const { return folder_.path() + "/diary"; }

  test::TemporaryFolder folder_;
  test::RedisServer server_;
  std::mt19937_64 random_;
  unsigned jobs_;
  std::vector<Daemon> daemons_;
  std::vector<std::string> deeds_;
  MonotonicTime begun_;
};

}  // namespace nodepool::cron_soak
