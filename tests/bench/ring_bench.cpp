// The ring: looking up, building and changing it, beside the textbook's way and beside what cannot be
// undercut.

#include <benchmark/benchmark.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "nodepool/job_set.hpp"
#include "nodepool/ring.hpp"
#include "ratio.hpp"

namespace nodepool::bench {
namespace {

constexpr std::array<std::size_t, 4> kSizes{5, 100, 1'000, 10'000};
constexpr unsigned kPoints = 50;
/// More than a branch predictor can learn by heart.
constexpr std::size_t kKeys = 1U << 17U;

// ---- what is asked for

/// Names as go-dispatch makes them: 61 bytes.
std::string node_name(std::mt19937_64& random) {
  std::string name = "distributed-nodepool:svc:";
  while (name.size() < 61) {
    name += "0123456789abcdef"[random() % 16];
  }
  return name;
}

std::vector<RingNode> make_nodes(std::size_t count) {
  std::mt19937_64 random(count);
  std::vector<RingNode> nodes;
  while (nodes.size() < count) {
    nodes.push_back({node_name(random)});
  }
  std::ranges::sort(nodes);
  return nodes;
}

/// Keys of 8 to 32 letters, and their hashes.
struct Keys {
  std::vector<std::string> names;
  std::vector<std::string_view> views;
  std::vector<std::uint64_t> hashes;
};

Keys make_keys(std::size_t count) {
  std::mt19937_64 random(42);
  Keys keys;
  while (keys.names.size() < count) {
    std::string name(8 + random() % 25, ' ');
    std::ranges::generate(name, [&] { return static_cast<char>('a' + random() % 26); });
    keys.names.push_back(std::move(name));
  }
  for (const std::string& name : keys.names) {
    keys.views.emplace_back(name);
    keys.hashes.push_back(hash_key(name));
  }
  return keys;
}

// ---- baselines

struct TextbookPoint {
  std::uint64_t hash = 0;
  std::uint32_t owner = 0;
  auto operator<=>(const TextbookPoint&) const = default;
};

void append_textbook_points(std::vector<TextbookPoint>& points, const RingNode& node, std::uint32_t owner) {
  for (unsigned i = 0; i < kPoints; ++i) {
    const std::string text = node.name + std::to_string(i);
    points.push_back({XXH64(text.data(), text.size(), 0), owner});
  }
}

/// The ring of the textbook: sorted points, std::lower_bound.
struct TextbookRing {
  std::vector<std::uint64_t> hashes;
  std::vector<std::uint32_t> owners;
  const RingNode* nodes = nullptr;

  TextbookRing(std::vector<TextbookPoint> points, const std::vector<RingNode>& all) : nodes(all.data()) {
    std::sort(points.begin(), points.end());
    hashes.reserve(points.size());
    owners.reserve(points.size());
    for (const TextbookPoint& point : points) {
      hashes.push_back(point.hash);
      owners.push_back(point.owner);
    }
  }

  [[nodiscard]] const RingNode* owner_of_hash(std::uint64_t hash) const {
    const auto found = std::lower_bound(hashes.begin(), hashes.end(), hash);
    return &nodes[owners[found == hashes.end() ? 0 : static_cast<std::size_t>(found - hashes.begin())]];
  }
};

std::vector<TextbookPoint> textbook_points(const std::vector<RingNode>& nodes) {
  std::vector<TextbookPoint> points;
  points.reserve(nodes.size() * kPoints);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    append_textbook_points(points, nodes[i], static_cast<std::uint32_t>(i));
  }
  return points;
}

/// One read at a random place of as many bytes as our look-up reads from: a line of 64 for seven points.
struct RandomRead {
  std::vector<std::uint64_t> table;
  explicit RandomRead(std::size_t nodes) : table(nodes * kPoints / 7 * 8) {
    std::iota(table.begin(), table.end(), nodes);
  }
  [[nodiscard]] std::uint64_t at(std::uint64_t hash) const {
    __extension__ using Product = unsigned __int128;
    return table[static_cast<std::size_t>((Product{hash} * table.size()) >> 64U)];
  }
};

/// One size of ring with everything that is measured on it.
struct Stage {
  explicit Stage(std::size_t size)
      : nodes(make_nodes(size)),
        points(textbook_points(nodes)),
        textbook(points, nodes),
        ring(HashRing::build(nodes, kPoints).value()),
        read(size) {}

  std::vector<RingNode> nodes;
  std::vector<TextbookPoint> points;
  TextbookRing textbook;
  HashRing ring;
  RandomRead read;
};
using Stages = std::map<std::size_t, std::unique_ptr<Stage>>;

// ---- Google Benchmark's table

template <class Items, class Call>
void add(const std::string& name, const Items& items, Call call) {
  benchmark::RegisterBenchmark(name.c_str(), [&items, call](benchmark::State& state) {
    std::size_t next = 0;
    for (auto unused : state) {
      static_cast<void>(unused);
      benchmark::DoNotOptimize(call(items[next++ % items.size()]));
    }
  });
}

void register_all(const Stages& stages, const Keys& keys) {
  add("hash/xxh64", keys.views, [](std::string_view key) { return XXH64(key.data(), key.size(), 0); });
  add("hash/hash_key", keys.views, [](std::string_view key) { return hash_key(key); });
  for (const auto& [size, made] : stages) {
    const Stage& stage = *made;
    const std::string at = "/" + std::to_string(size);
    add("owner_of_hash" + at, keys.hashes,
        [&](std::uint64_t hash) { return stage.ring.owner_of_hash(hash); });
    add("owner" + at, keys.views, [&](std::string_view key) { return stage.ring.owner(key); });
    add("baseline/lower_bound" + at, keys.hashes,
        [&](std::uint64_t hash) { return stage.textbook.owner_of_hash(hash); });
    add("baseline/random_read" + at, keys.hashes, [&](std::uint64_t hash) { return stage.read.at(hash); });
    add("arcs_of" + at, stage.nodes, [&](const RingNode& node) { return stage.ring.arcs_of(node.name); });
    add("without" + at, stage.nodes, [&](const RingNode& node) { return stage.ring.without(node.name); });
  }
}

// ---- ratios against the targets

/// Ours and the baseline in turn, each with its own data in the cache.
template <class Ours, class Baseline>
Pair warm_interleaved(const Ours& ours, const Baseline& baseline, std::size_t count, int repetitions) {
  Pair least;
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    ours();
    least.ours = std::min(least.ours, ns_per_call(ours, count));
    baseline();
    least.baseline = std::min(least.baseline, ns_per_call(baseline, count));
  }
  return least;
}

/// A function that makes one call for each item and uses all answers.
template <class Items, class Call>
auto loop(const Items& items, Call call) {
  return [&items, call] {
    std::uint64_t sum = 0;
    for (const auto& item : items) {
      const auto answer = call(item);
      std::uint64_t bits = 0;
      std::memcpy(&bits, &answer, sizeof bits);
      sum += bits;
    }
    benchmark::DoNotOptimize(sum);
  };
}

template <class Ours, class Baseline>
Pair compare_keys(const Ours& ours, const Baseline& baseline) {
  return warm_interleaved(ours, baseline, kKeys, 31);
}

void compare_look_up(const Stage& stage, const Keys& keys, const std::string& at, double least,
                     double most_with_hash) {
  const auto ours = loop(keys.hashes, [&](std::uint64_t hash) { return stage.ring.owner_of_hash(hash); });
  const auto textbook =
      loop(keys.hashes, [&](std::uint64_t hash) { return stage.textbook.owner_of_hash(hash); });
  const auto read = loop(keys.hashes, [&](std::uint64_t hash) { return stage.read.at(hash); });
  print_speed("owner_of_hash_against_lower_bound" + at, compare_keys(ours, textbook), least);
  print_cost("owner_of_hash_over_random_read" + at, compare_keys(ours, read), 4);

  const auto by_name = loop(keys.views, [&](std::string_view key) { return stage.ring.owner(key); });
  const auto hash = loop(keys.views, [](std::string_view key) { return XXH64(key.data(), key.size(), 0); });
  print_cost("owner_over_xxh64" + at, compare_keys(by_name, hash), most_with_hash);

  std::vector<const RingNode*> owners(kKeys);
  std::vector<std::uint64_t> hashes(kKeys);
  const auto batch = [&] {
    stage.ring.owner_batch(keys.hashes, owners);
    benchmark::DoNotOptimize(owners.data());
  };
  print_cost("owner_batch_over_random_read" + at, compare_keys(batch, read), 4);
  const auto named_batch = [&] {
    hash_keys(keys.views, hashes);
    stage.ring.owner_batch(hashes, owners);
    benchmark::DoNotOptimize(owners.data());
  };
  print_cost("hash_keys_and_owner_batch_over_xxh64" + at, compare_keys(named_batch, hash), most_with_hash);
}

void compare_build(const Stage& stage, const std::string& at, int repetitions, double least) {
  const auto ours = [&] { benchmark::DoNotOptimize(HashRing::build(stage.nodes, kPoints)); };
  const auto textbook = [&] {
    benchmark::DoNotOptimize(TextbookRing(textbook_points(stage.nodes), stage.nodes));
  };
  print_speed("build_against_hash_and_sort" + at, warm_interleaved(ours, textbook, 1, repetitions), least);
}

/// One node more and one node less, against putting its points behind the others and sorting again.
void compare_change(const Stage& stage, const std::string& at, int repetitions, double least) {
  const RingNode& changed = stage.nodes[stage.nodes.size() / 2];
  const HashRing smaller = stage.ring.without(changed.name);
  std::vector<TextbookPoint> sorted = textbook_points(smaller.nodes());
  std::ranges::sort(sorted);
  const auto textbook = [&] {
    std::vector<TextbookPoint> points = sorted;
    append_textbook_points(points, changed, 0);
    std::sort(points.begin(), points.end());
    benchmark::DoNotOptimize(points.data());
  };
  const auto join = [&] { benchmark::DoNotOptimize(smaller.with(changed)); };
  const auto leave = [&] { benchmark::DoNotOptimize(stage.ring.without(changed.name)); };
  print_speed("join_against_sort" + at, warm_interleaved(join, textbook, 1, repetitions), least);
  print_speed("leave_against_sort" + at, warm_interleaved(leave, textbook, 1, repetitions), least);

  // What the pool does when it adopts a view: the lists of nodes are there already, and are given away.
  Pair pair;
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    std::array<std::vector<RingNode>, 2> lists{stage.nodes, stage.nodes};
    auto change = [&, next = lists.begin()]() mutable {
      benchmark::DoNotOptimize(smaller.changed_to(std::move(*next++)));
    };
    change();
    pair.ours = std::min(pair.ours, ns_per_call(change, 1));
    textbook();
    pair.baseline = std::min(pair.baseline, ns_per_call(textbook, 1));
  }
  print_speed("changed_to_against_sort" + at, pair, least);
}

/// "Which of these are mine?", at once and one by one.
void compare_job_set(const Stage& stage, const std::string& at) {
  constexpr std::size_t known = 100'000;
  const JobSet jobs(make_keys(known).names);
  const std::string& self = stage.nodes.front().name;
  const RingNode* me = &stage.ring.nodes().front();
  const ArcSet arcs = stage.ring.arcs_of(self);
  const auto at_once = [&] { benchmark::DoNotOptimize(jobs.in(arcs)); };
  const auto asking = [&](const auto& owner_of) {
    return [&] {
      std::vector<std::size_t> mine;
      for (std::size_t job = 0; job < jobs.size(); ++job) {
        if (owner_of(job) == me) {
          mine.push_back(job);
        }
      }
      benchmark::DoNotOptimize(mine);
    };
  };
  const auto by_name = [&](std::size_t job) { return stage.ring.owner(jobs.name(job)); };
  const auto by_hash = [&](std::size_t job) { return stage.ring.owner_of_hash(jobs.hash(job)); };
  print_cost("job_set_over_asking_by_name" + at, warm_interleaved(at_once, asking(by_name), known, 31), 0.01);
  print_cost("job_set_over_asking_by_hash" + at, warm_interleaved(at_once, asking(by_hash), known, 31), 0.01);
}

void compare_all(const Stages& stages, const Keys& keys) {
  compare_look_up(*stages.at(5), keys, "_n5", 10, 1.2);
  compare_look_up(*stages.at(100), keys, "_n100", 18, 1.2);
  compare_look_up(*stages.at(1'000), keys, "_n1000", 22, 1.2);
  compare_look_up(*stages.at(10'000), keys, "_n10000", 15, 3.5);
  compare_build(*stages.at(100), "_n100", 301, 2.5);
  compare_build(*stages.at(1'000), "_n1000", 61, 3.5);
  compare_build(*stages.at(10'000), "_n10000", 11, 3);
  compare_change(*stages.at(100), "_n100", 301, 10);
  compare_change(*stages.at(1'000), "_n1000", 101, 20);
  compare_job_set(*stages.at(100), "_n100");
  compare_job_set(*stages.at(1'000), "_n1000");
}

}  // namespace
}  // namespace nodepool::bench

int main(int argc, char** argv) {
  using namespace nodepool::bench;
  Stages stages;
  for (const std::size_t size : kSizes) {
    stages[size] = std::make_unique<Stage>(size);
  }
  const Keys keys = make_keys(kKeys);
  benchmark::Initialize(&argc, argv);
  register_all(stages, keys);
  benchmark::RunSpecifiedBenchmarks();
  compare_all(stages, keys);
  return 0;
}
