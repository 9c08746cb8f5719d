#include "change/actor.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <new>
#include <thread>
#include <vector>

#include "nodepool/pool.hpp"
#include "nodepool/redis.hpp"
#include "nodepool/ring.hpp"

namespace nodepool::bench {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kPatience{30};

std::int64_t now_ns() {
  return BootClock::now().time_since_epoch().count();
}

/// Asks for some jobs again and again, on a thread of its own.
class Watch {
 public:
  Watch(const NodePool& pool, std::vector<std::string> jobs, Note& note)
      : thread_([&pool, jobs = std::move(jobs), &note](const std::stop_token& stop) {
          run(pool, jobs, note, stop);
        }) {}

 private:
  static void run(const NodePool& pool, const std::vector<std::string>& jobs, Note& note,
                  const std::stop_token& stop) {
    for (auto last = now_ns(); !stop.stop_requested();) {
      for (const std::string& job : jobs) {
        if (!pool.is_eligible(job)) note.refused.fetch_add(1);
      }
      note.asked.fetch_add(jobs.size());
      const auto now = now_ns();
      if (now - last > note.longest_gap_ns) note.longest_gap_ns = now - last;
      last = now;
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  }
  std::jthread thread_;
};

/// The actor's own side.
class Player {
 public:
  Player(const Actor::Settings& settings, std::string name, Note& note)
      : settings_(settings), name_(std::move(name)), note_(note) {}

  void play(int orders) {
    for (Act act; receive(orders, act);) {
      note_.begun_ns = now_ns();
      note_.started = act.number;
      const bool good = carry_out(act);
      note_.ended_ns = now_ns();
      note_.good = good;
      note_.done = act.number;
    }
  }

 private:
  bool carry_out(const Act& act) {
    const std::string job = job_name(act.job);
    switch (act.kind) {
      case Act::Kind::start:
        return join() && await(job);
      case Act::Kind::join:
        return join();
      case Act::Kind::leave:
        pool_->stop();
        return true;
      case Act::Kind::await:
        return await(job);
      case Act::Kind::claim:
        claim_ = pool_->try_claim(job);
        return claim_.has_value();
      case Act::Kind::release:
        claim_->release();
        return true;
      case Act::Kind::watch:
        watch_.emplace(*pool_, unmoved_jobs(), note_);
        return true;
    }
    return false;
  }

  bool join() {
    auto driver = open_redis(settings_.store);
    if (!driver) return false;
    PoolOptions options;
    options.name = name_;
    options.heartbeat = settings_.heartbeat;
    options.lease = settings_.lease;
    pool_.emplace(ServiceName("change"), *driver, std::move(options));
    return pool_->start(kPatience).has_value();
  }

  bool await(const std::string& job) {
    return pool_->wait_until_eligible(job, BootClock::now() + kPatience).has_value();
  }

  [[nodiscard]] std::vector<std::string> unmoved_jobs() const {
    std::vector<std::string> jobs;
    for (unsigned job = 0; job < settings_.jobs; ++job) {
      if (owner_of(job, false) == name_ && owner_of(job, true) == name_) jobs.push_back(job_name(job));
    }
    return jobs;
  }

  const Actor::Settings& settings_;
  std::string name_;
  Note& note_;
  std::optional<NodePool> pool_;
  std::optional<Claim> claim_;
  std::optional<Watch> watch_;
};

}  // namespace

Actor::Actor(const Settings& settings, const std::string& name)
    : note_(new (map_shared(sizeof(Note))) Note),
      process_([&settings, &name, note = note_](int orders) { Player(settings, name, *note).play(orders); }) {
}

Actor::~Actor() {
  process_.kill();
  ::munmap(note_, sizeof(Note));
}

void Actor::begin(Act::Kind kind, unsigned job) {
  process_.send(Act{kind, ++number_, job});
  const auto deadline = BootClock::now() + kPatience;
  while (note_->started != number_ && BootClock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

std::optional<Times> Actor::end() {
  const auto deadline = BootClock::now() + kPatience;
  while (note_->done != number_) {
    if (BootClock::now() >= deadline) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  if (!note_->good) return std::nullopt;
  return Times{MonotonicTime(std::chrono::nanoseconds(note_->begun_ns)),
               MonotonicTime(std::chrono::nanoseconds(note_->ended_ns))};
}

MonotonicTime Actor::crash() {
  const auto now = BootClock::now();
  process_.kill();
  return now;
}

std::string job_name(unsigned job) {
  return fmt::format("job-{}", job);
}

std::string owner_of(unsigned job, bool with_guest) {
  std::vector<RingNode> nodes;
  for (const char* name : kResidents) nodes.push_back({name});
  if (with_guest) nodes.push_back({kGuest});
  return HashRing::build(std::move(nodes), PoolOptions{}.points).value().owner(job_name(job))->name;
}

}  // namespace nodepool::bench
