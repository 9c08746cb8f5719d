#include "scale/crowd.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <thread>

#include "parts/process_usage.hpp"
#include "scale/worker.hpp"

namespace nodepool::bench {

Crowd::Crowd(Settings settings, const std::vector<Range>& ranges)
    : settings_(std::move(settings)), ranges_(ranges) {
  for (const Range& range : ranges_) size_ = std::max(size_, range.first + range.count);
  told_ = new (map_shared(size_ * sizeof(Told))) Told[size_];
  const auto stopped = pack(NodeState::stopped, {});
  for (std::size_t node = 0; node < size_; ++node) told_[node].standing.store(stopped);
  for (std::size_t process = 0; process < ranges_.size(); ++process) {
    processes_.emplace_back([this](int orders) { run_worker(settings_, told_, orders); });
  }
}

Crowd::~Crowd() {
  processes_.clear();
  ::munmap(told_, size_ * sizeof(Told));
}

template <class Visit>
void Crowd::for_each_part(Range nodes, Visit visit) {
  for (std::size_t process = 0; process < ranges_.size(); ++process) {
    const Range& range = ranges_[process];
    const std::size_t first = std::max(nodes.first, range.first);
    const std::size_t last = std::min(nodes.first + nodes.count, range.first + range.count);
    if (first < last) visit(processes_[process], Range{first, last - first});
  }
}

void Crowd::start(Range nodes) {
  for_each_part(nodes, [](Forked& process, Range part) { process.send(Order{Order::Kind::start, part}); });
}

void Crowd::stop(Range nodes) {
  for_each_part(nodes, [](Forked& process, Range part) { process.send(Order{Order::Kind::stop, part}); });
}

void Crowd::kill(std::size_t process) {
  cpu_of_killed_ += cpu_time(processes_[process].pid());
  processes_[process].kill();
}

Standings Crowd::of(std::size_t node) const {
  const std::uint64_t standing = told_[node].standing.load();
  return unpack(standing, told_[node].since_ns.load());
}

std::optional<Calm> Crowd::calm_now(const std::vector<Range>& nodes, Epoch after) const {
  std::optional<Calm> calm;
  for (const Range& range : nodes) {
    for (std::size_t node = range.first; node < range.first + range.count; ++node) {
      const Standings now = of(node);
      if (now.state != NodeState::steady || now.epoch <= after) return std::nullopt;
      if (calm && calm->epoch != now.epoch) return std::nullopt;
      calm = Calm{now.epoch, calm ? std::max(calm->at, now.since) : now.since};
    }
  }
  return calm;
}

std::optional<Calm> Crowd::await_calm(const std::vector<Range>& nodes, Epoch after,
                                      std::chrono::milliseconds patience) const {
  const auto deadline = BootClock::now() + patience;
  while (true) {
    if (auto calm = calm_now(nodes, after)) return calm;
    if (BootClock::now() >= deadline) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::size_t Crowd::count_steady(const std::vector<Range>& nodes) const {
  std::size_t count = 0;
  for (const Range& range : nodes) {
    for (std::size_t node = range.first; node < range.first + range.count; ++node) {
      if (of(node).state == NodeState::steady) ++count;
    }
  }
  return count;
}

std::uint32_t Crowd::leases_lost() const {
  std::uint32_t sum = 0;
  for (std::size_t node = 0; node < size_; ++node) sum += told_[node].leases_lost.load();
  return sum;
}

std::uint32_t Crowd::troubles() const {
  std::uint32_t sum = 0;
  for (std::size_t node = 0; node < size_; ++node) sum += told_[node].troubles.load();
  return sum;
}

std::chrono::nanoseconds Crowd::cpu() const {
  std::chrono::nanoseconds sum = cpu_of_killed_;
  for (const Forked& process : processes_) {
    if (process.pid() > 0) sum += cpu_time(process.pid());
  }
  return sum;
}

}  // namespace nodepool::bench
