// A service that divides the partitions of a stream among its processes. Each process runs the partitions it
// has claimed, one thread each; when a partition is to move, its worker finishes the batch at hand and lets
// go, and only then does the next owner begin.
//
//     example_sharded_consumer /tmp/shards.sqlite 8 20        8 partitions, for 20 seconds
//     example_sharded_consumer /tmp/shards.sqlite 8 10        a second process takes its share at once

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <list>
#include <string>
#include <syncstream>
#include <thread>

#include "nodepool/pool.hpp"
#include "nodepool/sqlite.hpp"

namespace {

using namespace std::chrono_literals;

/// Consumes one partition for as long as this node is to run it.
class Worker {
 public:
  explicit Worker(nodepool::Claim claim)
      : thread_([this, claim = std::move(claim)]() mutable { consume(std::move(claim)); }) {}

  [[nodiscard]] bool finished() const { return finished_; }

 private:
  void consume(nodepool::Claim claim) {
    int batches = 0;
    const auto stop = claim.stop_token();            // at once: the lease is gone
    const auto hand_over = claim.hand_over_token();  // after this batch: somebody waits for the partition
    while (!stop.stop_requested() && !hand_over.stop_requested()) {
      // Where the results go, the greatest token seen is kept and smaller ones are refused: a worker that
      // slept through all of this cannot overwrite what its successor has written.
      process_batch(claim.job(), claim.token());
      ++batches;
    }
    std::osyncstream(std::cout) << claim.job() << ": " << batches << " batches under token "
                                << claim.token().value
                                << (stop.stop_requested() ? ", stopped" : ", handed over") << '\n';
    claim.release();
    finished_ = true;
  }

  static void process_batch(const std::string& /*partition*/, nodepool::FencingToken /*token*/) {
    std::this_thread::sleep_for(20ms);  // stands for the work
  }

  std::atomic<bool> finished_{false};
  std::jthread thread_;  // the last member: its thread uses the others
};

int fail(const std::string& message) {
  std::cerr << message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return fail("usage: example_sharded_consumer STORE PARTITIONS SECONDS");
  const auto driver = nodepool::open_sqlite(argv[1]);
  if (!driver) return fail(driver.error().message);
  const int partitions = std::atoi(argv[2]);

  nodepool::NodePool pool(nodepool::ServiceName("shards"), *driver, {.heartbeat = 500ms, .lease = 2s});
  if (const auto started = pool.start(); !started) return fail(started.error().message);

  std::list<Worker> workers;
  std::size_t claimed = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(std::atof(argv[3]));
  while (std::chrono::steady_clock::now() < end) {
    for (int partition = 0; partition < partitions; ++partition) {
      // Says no where another node owns the partition, still runs it, or a worker here has it already.
      if (auto claim = pool.try_claim("partition-" + std::to_string(partition))) {
        workers.emplace_back(std::move(*claim));
        ++claimed;
      }
    }
    workers.remove_if([](const Worker& worker) { return worker.finished(); });
    std::this_thread::sleep_for(10ms);
  }
  pool.stop();  // asks every worker to hand over, and waits for them
  workers.clear();
  return claimed > 0 ? 0 : fail("no partition ever came here");
}
