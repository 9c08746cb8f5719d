// change [--repetitions N] [--crashes N] [--lease MS] [--heartbeat MS]: how long a job that moves waits for
// its new owner, in a pool of three real processes on a real server of its own that a fourth joins and
// leaves; and whether the others' jobs pause. Prints figures. Exits with 1 if something failed.

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "change/actor.hpp"
#include "change/ping.hpp"
#include "support/redis_server.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::bench;

struct Measured {
  Samples ping, join, leave, release, crash;
  std::uint64_t asked = 0, refused = 0;
  std::chrono::nanoseconds longest_gap{0};
  std::string trouble;  ///< Empty if all went well.
};

/// The scene: residents that stay, and one job that moves to the guest when it is there.
class Play {
 public:
  Play(const Actor::Settings& settings, const test::RedisServer& server, Measured& measured)
      : settings_(settings), measured_(measured), pinger_(*parse_redis_url(server.url())) {
    for (const char* name : kResidents) residents_.push_back(std::make_unique<Actor>(settings_, name));
    while (owner_of(job_, true) != kGuest) ++job_;
    for (std::size_t index = 0; index < residents_.size(); ++index) {
      if (owner_of(job_, false) == kResidents[index]) owner_ = residents_[index].get();
    }
  }

  bool assemble() {
    for (auto& resident : residents_) resident->begin(Act::Kind::join);
    for (auto& resident : residents_) {
      if (!resident->end()) return fail("a resident did not join");
    }
    for (auto& resident : residents_) {
      if (!resident->act(Act::Kind::watch)) return fail("a resident does not watch its jobs");
    }
    return true;
  }

  /// A join; then a leave.
  bool come_and_go(Actor& guest) {
    if (!pinger_.ping(kPings, measured_.ping)) return fail("the server does not answer a PING");
    const auto joined = guest.act(Act::Kind::start, job_);
    if (!joined) return fail("the guest did not get its job");
    measured_.join.add(joined->ended - joined->begun);
    return go(guest);
  }

  /// A join while a claim of the former owner runs; its release; then a leave.
  bool wait_for_a_release(Actor& guest) {
    if (!owner_->act(Act::Kind::await, job_) || !owner_->act(Act::Kind::claim, job_)) {
      return fail("the job was not claimed");
    }
    if (!guest.act(Act::Kind::join)) return fail("the guest did not join");
    guest.begin(Act::Kind::await, job_);
    const auto released = owner_->act(Act::Kind::release);
    const auto got = guest.end();
    if (!released || !got) return fail("the released job did not reach the guest");
    if (got->ended < released->begun) return fail("two owners: the guest got a job that was still claimed");
    measured_.release.add(got->ended - released->begun);
    return go(guest);
  }

  /// Right after a renewal, which is when a crash costs most.
  bool crash() {
    Actor guest(settings_, kGuest);
    if (!guest.act(Act::Kind::start, job_)) return fail("the guest did not get its job");
    owner_->begin(Act::Kind::await, job_);
    const auto killed = guest.crash();
    const auto got = owner_->end();
    if (!got) return fail("nobody took over from the crashed guest");
    measured_.crash.add(got->ended - killed);
    return true;
  }

  void read_watches() {
    for (const auto& resident : residents_) {
      measured_.asked += resident->note().asked;
      measured_.refused += resident->note().refused;
      measured_.longest_gap =
          std::max(measured_.longest_gap, std::chrono::nanoseconds(resident->note().longest_gap_ns));
    }
  }

 private:
  static constexpr unsigned kPings = 20;

  bool go(Actor& guest) {
    owner_->begin(Act::Kind::await, job_);
    guest.begin(Act::Kind::leave);
    const auto got = owner_->end();
    const auto left = guest.end();
    if (!got || !left) return fail("the job did not come back");
    measured_.leave.add(got->ended - left->begun);
    return true;
  }
  bool fail(const char* what) {
    measured_.trouble = what;
    return false;
  }

  const Actor::Settings& settings_;
  Measured& measured_;
  Pinger pinger_;
  std::vector<std::unique_ptr<Actor>> residents_;
  unsigned job_ = 0;
  Actor* owner_ = nullptr;
};

void measure(const Actor::Settings& settings, const test::RedisServer& server, unsigned repetitions,
             unsigned crashes, Measured& measured) {
  Play play(settings, server, measured);
  if (!play.assemble()) return;
  {
    Actor guest(settings, kGuest);
    for (unsigned count = 0; count < repetitions; ++count) {
      if (!play.come_and_go(guest) || !play.wait_for_a_release(guest)) return;
    }
  }
  for (unsigned count = 0; count < crashes; ++count) {
    if (!play.crash()) return;
  }
  play.read_watches();
}

void print(const char* what, const Samples& samples, const Samples& ping) {
  if (samples.empty()) return print_failure(fmt::format("change.{}", what), "us", {}, "it was not reached");
  const auto line = [&](const char* which, double share) {
    const auto ours = static_cast<double>(samples.quantile(share).count());
    const auto baseline = static_cast<double>(ping.quantile(share).count());
    fmt::print("ratio change.{}.{} {:.0f} {:.0f} {:.1f}\n", what, which, ours, baseline, ours / baseline);
  };
  line("median", 0.5);
  line("p99", 0.99);
}

void print_take_over(const char* which, const Samples& crashes, double share,
                     std::chrono::nanoseconds lease) {
  const std::string name = fmt::format("change.crash.{}", which);
  const Target target{"<=", 1.05};
  if (crashes.empty()) return print_failure(name, "ns", target, "it was not reached");
  const auto took = crashes.quantile(share);
  fmt::print("ratio {} {} {} {:.3f} target <= {}\n", name, took.count(), lease.count(),
             seconds(took) / seconds(lease), target.value);
}

void print(const Measured& measured, const Actor::Settings& settings) {
  print_figure("change.ping.median", microseconds(measured.ping.median()), "us");
  print_figure("change.ping.p99", microseconds(measured.ping.quantile(0.99)), "us");
  print("join", measured.join, measured.ping);
  print("leave", measured.leave, measured.ping);
  print("release", measured.release, measured.ping);
  print_take_over("median", measured.crash, 0.5, settings.lease);
  print_take_over("longest", measured.crash, 1, settings.lease);
  print_figure("change.unmoved.asked", static_cast<double>(measured.asked), "times");
  print_figure("change.unmoved.refused", static_cast<double>(measured.refused), "times", {"<=", 0});
  print_figure("change.unmoved.longest_gap", microseconds(measured.longest_gap) / 1000, "ms");
}

}  // namespace

int main(int argc, char** argv) {
  const test::RedisServer server;
  Actor::Settings settings;
  settings.store = server.url();
  settings.heartbeat = std::chrono::milliseconds(number_option(argc, argv, "--heartbeat", 1000));
  settings.lease = std::chrono::milliseconds(number_option(argc, argv, "--lease", 4000));
  const unsigned repetitions = number_option(argc, argv, "--repetitions", 200);
  Measured measured;
  measure(settings, server, repetitions, number_option(argc, argv, "--crashes", 5), measured);
  print(measured, settings);
  if (measured.trouble.empty()) return EXIT_SUCCESS;
  fmt::print(stderr, "change: {}\n", measured.trouble);
  return EXIT_FAILURE;
}
