#include "runtime/snapshot_cell.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace nodepool {
namespace {

int value_of(const SnapshotCell<int>& cell) {
  return cell.read([](int value) { return value; });
}

TEST(SnapshotCell, ReadsWhatWasPublishedLast) {
  SnapshotCell<int> cell;
  cell.publish(std::make_shared<int>(1));
  EXPECT_EQ(value_of(cell), 1);
  cell.publish(std::make_shared<int>(2));
  EXPECT_EQ(value_of(cell), 2);
  EXPECT_EQ(*cell.load(), 2);
}

TEST(SnapshotCell, MoreCellsThanCacheSlotsDoNotMixUp) {
  std::vector<SnapshotCell<int>> cells(200);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 200; ++i) {
      cells[static_cast<std::size_t>(i)].publish(std::make_shared<int>(i + 1000 * round));
    }
    for (int i = 0; i < 200; ++i) {
      EXPECT_EQ(value_of(cells[static_cast<std::size_t>(i)]), i + 1000 * round);
    }
  }
}

TEST(SnapshotCell, ANewCellInAnOldOnesPlaceIsNotTakenForIt) {
  for (int i = 0; i < 300; ++i) {
    SnapshotCell<int> cell;  // very likely at the same address each time
    cell.publish(std::make_shared<int>(i));
    EXPECT_EQ(value_of(cell), i);
  }
}

TEST(SnapshotCell, WhatAThreadHasReadLivesUntilItReadsAgainOrEnds) {
  SnapshotCell<int> cell;
  auto first = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = first;
  cell.publish(std::move(first));
  std::thread([&] { EXPECT_EQ(value_of(cell), 1); }).join();
  cell.publish(std::make_shared<int>(2));
  EXPECT_TRUE(watch.expired()) << "the only reader's thread has ended";
}

TEST(SnapshotCell, CellsThatShareACacheSlotKeepTheirValuesApart) {
  std::vector<std::unique_ptr<SnapshotCell<int>>> cells;
  for (int i = 0; i < 130; ++i) {
    cells.push_back(std::make_unique<SnapshotCell<int>>());
    cells.back()->publish(std::make_shared<int>(i));
  }
  std::thread([&] {
    for (int round = 0; round < 3; ++round) {
      for (const int i : {0, 64, 128, 0, 128, 64}) {
        EXPECT_EQ(value_of(*cells[static_cast<std::size_t>(i)]), i);
      }
    }
  }).join();
}

TEST(SnapshotCell, AReplacedValueIsDestroyedOutsideTheLock) {
  struct Republishes {
    SnapshotCell<Republishes>* cell = nullptr;
    ~Republishes() {
      if (cell != nullptr) static_cast<void>(cell->load());  // would wait for ever under the lock
    }
  };
  SnapshotCell<Republishes> cell;
  cell.publish(std::make_shared<Republishes>(Republishes{&cell}));
  cell.read([](const Republishes&) {});
  cell.publish(std::make_shared<Republishes>());
  EXPECT_EQ(cell.read([](const Republishes& value) { return value.cell; }), nullptr);
}

/// One thread publishes pairs that belong together; readers must never see half of one, nor go back.
TEST(SnapshotCell, ReadersSeeWholeValuesInOrder) {
  struct Pair {
    int first, second;
  };
  SnapshotCell<Pair> cell;
  cell.publish(std::make_shared<Pair>(Pair{0, 0}));
  std::atomic<int> torn{0}, backward{0};
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&](const std::stop_token& stop) {
        int last = 0;
        while (!stop.stop_requested()) {
          const Pair seen = cell.read([](const Pair& pair) { return pair; });
          torn += seen.first == -seen.second ? 0 : 1;
          backward += seen.first >= last ? 0 : 1;
          last = seen.first;
        }
      });
    }
    for (int i = 1; i <= 5000; ++i) cell.publish(std::make_shared<Pair>(Pair{i, -i}));
  }
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(backward, 0);
}

/// Read by a destructor that runs after the thread's own cache is gone.
struct ReadsAtTheEnd {
  const SnapshotCell<int>* cell = nullptr;
  int* seen = nullptr;
  ~ReadsAtTheEnd() {
    if (cell != nullptr) *seen = value_of(*cell);
  }
};

TEST(SnapshotCell, CanBeReadAfterTheThreadsCacheIsGone) {
  SnapshotCell<int> cell;
  cell.publish(std::make_shared<int>(7));
  int seen = 0;
  std::thread([&] {
    thread_local ReadsAtTheEnd last;  // made before the cache, so destroyed after it
    last.cell = &cell;
    last.seen = &seen;
    EXPECT_EQ(value_of(cell), 7);
  }).join();
  EXPECT_EQ(seen, 7);
}

}  // namespace
}  // namespace nodepool
