#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <thread>

#include "conformance/sqlite_folder.hpp"
#include "driver/common/descriptor.hpp"

/// The SQLite driver among several processes, and against a machine that says no.

namespace nodepool::conformance {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class SqliteProcess : public testing::Test {
 protected:
  /// One byte to the parent.
  static void tell(int report) { [[maybe_unused]] const ssize_t ignored = ::write(report, ".", 1); }
  /// Children wait here for their end.
  [[noreturn]] static void stay() {
    while (true) ::pause();
  }
  /// Root may write everywhere: a child of root becomes nobody.
  static bool give_up_root() { return ::geteuid() != 0 || (::setgid(65534) == 0 && ::setuid(65534) == 0); }

  /// What a sync says in a child that may do less than this process; the message goes to a file.
  static int refusal(const std::string& path) {
    const auto reply = peer_on(path, "peer").try_sync();
    return reply ? 100 : static_cast<int>(reply.error().code);
  }

  SqliteFolder folder_;
};

TEST_F(SqliteProcess, MakesOnePoolOfTwoProcesses) {
  Child other([&](int report) {
    Peer peer = peer_on(folder_.store(), "other", short_lease());
    peer.sync();
    tell(report);
    while (true) {
      peer.sync();
      [[maybe_unused]] const auto hints = peer.session().wait(BootClock::now() + 50ms, -1);
    }
    return 0;
  });
  ASSERT_TRUE(other.heard());
  Peer here = peer_on(folder_.store(), "here", short_lease());
  EXPECT_EQ(here.sync().members.value_or(std::vector<NodeInfo>()).size(), 2U);
  here.sync_until([](const SyncReply& reply) { return reply.settled; });
  other.kill();
  here.sync_until([](const SyncReply& reply) { return reply.members && reply.members->size() == 1; });
  EXPECT_TRUE(here.sync().settled);
}

TEST_F(SqliteProcess, NeedsABarrierWhenTheFileIsDeletedUnderAnotherProcess) {
  Child other([&](int report) {
    Peer peer = peer_on(folder_.store(), "other");
    peer.sync();
    tell(report);
    stay();
    return 0;
  });
  ASSERT_TRUE(other.heard());
  std::filesystem::remove(folder_.store());
  EXPECT_GT(peer_on(folder_.store(), "newcomer").sync().barrier_left, 0us);
  other.kill();
  EXPECT_EQ(other.result(), -1);
  std::filesystem::remove(folder_.store());
  EXPECT_EQ(peer_on(folder_.store(), "next").sync().barrier_left, 0us) << "its lock has gone with it";
}

TEST_F(SqliteProcess, StaysSoundWhenWritersAreKilled) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Epoch last;
  for (int round = 0; round < 12; ++round) {
    {
      Child writer([&](int report) {
        Peer peer = peer_on(folder_.store(), "writer");
        peer.request.node.metadata = {{"filling", std::string(2000, 'x')}};
        while (true) {
          peer.request.node.weight = peer.request.node.weight % 100 + 1;
          peer.sync();
          tell(report);
        }
        return 0;
      });
      for (auto heard = random() % 30; heard > 0; --heard) ASSERT_TRUE(writer.heard());
    }
    Peer here = peer_on(folder_.store(), "here");
    const Epoch epoch = here.sync().view.epoch;
    EXPECT_GT(epoch, last);
    last = here.leave().view.epoch;
  }
}

TEST_F(SqliteProcess, KeepsItsDeadlineWhileAnotherProcessHoldsTheWriteLock) {
  { peer_on(folder_.store(), "maker").sync(); }
  Child holder([&](int report) {
    sqlite3* database = nullptr;
    if (sqlite3_open(folder_.store().c_str(), &database) != SQLITE_OK) return 1;
    if (sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK) return 1;
    tell(report);
    stay();
    return 0;
  });
  ASSERT_TRUE(holder.heard());
  Peer peer = peer_on(folder_.store(), "peer");
  peer.request.sequence = 1;
  const auto start = BootClock::now();
  const auto reply = peer.session().sync(peer.request, start + 150ms);
  const auto took = BootClock::now() - start;
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
  EXPECT_THAT(reply.error().message, HasSubstr("locked"));
  EXPECT_GE(took, 150ms);
  EXPECT_LT(took, 1s);
  EXPECT_TRUE(peer.session().status(soon())) << "a writer does not keep readers out";
  holder.kill();
  EXPECT_EQ(holder.result(), -1);
  peer.sync();
}

TEST_F(SqliteProcess, KeepsItsDeadlineWhileAnotherProgramLocksTheFolder) {
  const driver::Descriptor folder(::open(folder_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(folder.get(), LOCK_EX | LOCK_NB), 0);
  Peer peer = peer_on(folder_.store(), "peer");
  peer.request.sequence = 1;
  const auto start = BootClock::now();
  const auto reply = peer.session().sync(peer.request, start + 100ms);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
  EXPECT_LT(BootClock::now() - start, 1s);
  ASSERT_EQ(::flock(folder.get(), LOCK_SH | LOCK_NB), 0);
  EXPECT_GT(peer.sync().barrier_left, 0us) << "another holder of the lock may have a lease";
}

TEST_F(SqliteProcess, IsRefusedByAFolderThatItMayNotWrite) {
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0555));
  Child child([&](int) { return give_up_root() ? refusal(folder_.store()) : 101; });
  EXPECT_EQ(child.result(), static_cast<int>(ErrorCode::permission_denied));
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
  EXPECT_TRUE(folder_.contents().empty());
}

TEST_F(SqliteProcess, IsRefusedByAFileThatItMayNotWrite) {
  { peer_on(folder_.store(), "maker").sync(); }
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0777));
  std::filesystem::permissions(folder_.store(), std::filesystem::perms(0444));
  const auto before = folder_.contents();
  Child child([&](int) { return give_up_root() ? refusal(folder_.store()) : 101; });
  EXPECT_EQ(child.result(), static_cast<int>(ErrorCode::permission_denied));
  EXPECT_TRUE(folder_.contents() == before);
}

TEST_F(SqliteProcess, GoesOnWhenTheDiskHasRoomAgain) {
  Child child([&](int) {
    std::signal(SIGXFSZ, SIG_IGN);
    Peer peer = peer_on(folder_.store(), "peer");
    peer.request.node.metadata = {{"filling", std::string(2000, 'x')}};
    if (!peer.try_sync()) return 1;
    rlimit room{.rlim_cur = 8192, .rlim_max = RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &room);
    const auto refused = peer.try_sync();
    if (refused) return 2;
    const ErrorCode code = refused.error().code;
    if (code != ErrorCode::unavailable && code != ErrorCode::outcome_unknown) return 3;
    if (refused.error().message.find(folder_.store()) == std::string::npos) return 4;
    room.rlim_cur = RLIM_INFINITY;
    ::setrlimit(RLIMIT_FSIZE, &room);
    return peer.try_sync() ? 0 : 5;
  });
  EXPECT_EQ(child.result(), 0);
}

/// How long a hint takes, the middle one of several.
std::chrono::nanoseconds hint_latency(Peer& listener, Peer& speaker) {
  std::vector<std::chrono::nanoseconds> latencies;
  for (int round = 0; round < 9; ++round) {
    listener.sync();
    speaker.sync();
    listener.hear_out();
    MonotonicTime heard{};
    std::jthread waiting([&] {
      if (!listener.session().wait(soon(), -1).empty()) heard = BootClock::now();
    });
    speaker.request.node.weight = speaker.request.node.weight % 100 + 1;
    speaker.sync();
    const auto said = BootClock::now();
    waiting.join();
    latencies.push_back(std::max<std::chrono::nanoseconds>(heard - said, 0ns));
    EXPECT_NE(heard, MonotonicTime{}) << "no hint at all";
  }
  std::ranges::sort(latencies);
  return latencies[latencies.size() / 2];
}

TEST_F(SqliteProcess, TellsOthersWithinFiftyMilliseconds) {
  Peer listener = peer_on(folder_.store(), "listener");
  Peer speaker = peer_on(folder_.store(), "speaker");
  EXPECT_LT(hint_latency(listener, speaker), 50ms);
}

TEST_F(SqliteProcess, TellsOthersWithinFiftyMillisecondsAlsoWithoutAHintFile) {
  { peer_on(folder_.store(), "maker").sync(); }
  std::filesystem::remove(folder_.store() + "-hint");
  std::filesystem::create_directory(folder_.store() + "-hint");
  Peer listener = peer_on(folder_.store(), "listener");
  Peer speaker = peer_on(folder_.store(), "speaker");
  EXPECT_LT(hint_latency(listener, speaker), 50ms);
}

TEST_F(SqliteProcess, MakesADeletedHintFileAgain) {
  Peer listener = peer_on(folder_.store(), "listener");
  Peer speaker = peer_on(folder_.store(), "speaker");
  for (int round = 0; round < 3; ++round) {
    listener.sync();
    speaker.sync();
    listener.hear_out();
    std::filesystem::remove(folder_.store() + "-hint");
    speaker.request.node.weight = speaker.request.node.weight % 100 + 1;
    speaker.sync();
    EXPECT_FALSE(listener.session().wait(soon(), -1).empty()) << round;
  }
}

TEST_F(SqliteProcess, IsNotWokenByItsOwnNews) {
  Peer speaker = peer_on(folder_.store(), "speaker");
  speaker.sync();
  speaker.sync();
  EXPECT_TRUE(speaker.session().wait(BootClock::now() + 150ms, -1).empty());
}

}  // namespace
}  // namespace nodepool::conformance
