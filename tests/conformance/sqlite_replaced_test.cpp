#include <gmock/gmock.h>

#include "conformance/sqlite_folder.hpp"

/// Files that are deleted, replaced or put back, and what that means for leases.

namespace nodepool::conformance {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Optional;

class SqliteReplaced : public testing::Test {
 protected:
  Peer peer(const std::string& name) { return peer_on(folder_.store(), name, short_lease()); }

  static void settle(Peer& peer) {
    peer.sync_until([](const SyncReply& reply) { return reply.settled; });
  }

  SqliteFolder folder_;
};

TEST_F(SqliteReplaced, NeedsNoBarrierForTheFirstPoolOfANewFile) {
  Peer first = peer("first");
  EXPECT_EQ(first.sync().barrier_left, 0us);
  EXPECT_TRUE(first.sync().settled);
}

TEST_F(SqliteReplaced, NeedsABarrierForAnotherPoolOfTheFile) {
  Peer first = peer("first");
  first.sync();
  Peer other = peer_on(folder_.store(), "other", short_lease(), ServiceName("other"));
  EXPECT_GT(other.sync().barrier_left, 0us) << "its row may have been deleted a moment ago";
}

TEST_F(SqliteReplaced, NeedsABarrierWhenTheFileIsDeletedUnderALiveNode) {
  Peer live = peer("live");
  settle(live);
  std::filesystem::remove(folder_.store());
  Peer newcomer = peer("newcomer");
  const SyncReply reply = newcomer.sync();
  EXPECT_GT(reply.barrier_left, 0us) << "the live node still has its lease";
  EXPECT_THAT(reply.members, Optional(ElementsAre(newcomer.request.node)));
  EXPECT_FALSE(newcomer.sync().settled);
}

TEST_F(SqliteReplaced, NeedsABarrierWhenTheFileIsDeletedTwiceUnderALiveNode) {
  Peer live = peer("live");
  settle(live);
  for (const char* name : {"one", "two"}) {
    std::filesystem::remove(folder_.store());
    Peer newcomer = peer(name);
    EXPECT_GT(newcomer.sync().barrier_left, 0us);
  }
}

TEST_F(SqliteReplaced, NeedsABarrierWhenALiveNodeHasMovedToTheNewFileAndThatIsDeletedToo) {
  Peer live = peer("live");
  settle(live);
  std::filesystem::remove(folder_.store());
  EXPECT_GT(live.sync().barrier_left, 0us);
  settle(live);
  std::filesystem::remove(folder_.store());
  EXPECT_GT(peer("newcomer").sync().barrier_left, 0us);
}

TEST_F(SqliteReplaced, NeedsNoBarrierWhenTheFileIsDeletedAfterTheLastSession) {
  {
    Peer gone = peer("gone");
    settle(gone);
  }
  std::filesystem::remove(folder_.store());
  EXPECT_EQ(peer("newcomer").sync().barrier_left, 0us);
}

TEST_F(SqliteReplaced, MovesLiveNodesToTheNewFileAndLetsThemSettleAfterTheBarrier) {
  Peer first = peer("first");
  Peer second = peer("second");
  first.sync();
  second.sync_until([&](const SyncReply& reply) { return first.sync().settled && reply.settled; });
  const ViewStamp before = first.request.known;
  for (const auto& [name, content] : folder_.contents()) std::filesystem::remove(folder_.path() / name);
  const SyncReply moved = first.sync();
  EXPECT_GT(moved.barrier_left, 0us);
  EXPECT_NE(moved.view.lineage, before.lineage);
  EXPECT_GT(moved.view.epoch, before.epoch);
  second.sync_until([&](const SyncReply& reply) {
    const SyncReply other = first.sync();
    return other.settled && reply.settled && other.view == reply.view;
  });
}

TEST_F(SqliteReplaced, TakesNothingFromTheLogThatADeletedFileHasLeft) {
  Peer live = peer("live");
  settle(live);
  std::filesystem::remove(folder_.store());
  ASSERT_TRUE(std::filesystem::exists(folder_.store() + "-wal"));
  Peer newcomer = peer("newcomer");
  EXPECT_THAT(newcomer.sync().members, Optional(ElementsAre(newcomer.request.node)));
  run_sql(folder_.store(), "SELECT 1 / (SELECT count(*) = 1 FROM pools)");
}

TEST_F(SqliteReplaced, StartsABarrierOnAnOldCopyThatWasPutBack) {
  {
    Peer early = peer("early");
    settle(early);
    early.leave();
  }
  std::filesystem::copy_file(folder_.store(), folder_.path() / "copy.db");
  Peer live = peer("live");
  settle(live);
  std::filesystem::rename(folder_.path() / "copy.db", folder_.store());
  std::filesystem::remove(folder_.store() + "-wal");
  std::filesystem::remove(folder_.store() + "-shm");
  Peer newcomer = peer("newcomer");
  EXPECT_GT(newcomer.sync().barrier_left, 0us) << "the copy knows nothing of the live node";
  EXPECT_FALSE(newcomer.sync().settled);
}

TEST_F(SqliteReplaced, StartsABarrierAfterARebootAndKeepsTheEpochGrowing) {
  Epoch before;
  {
    Peer early = peer("early");
    settle(early);
    before = early.request.known.epoch;
  }
  // Another boot: another boot id, and a boot-time clock that starts anew.
  run_sql(folder_.store(),
          "UPDATE pools SET state = json_set(state, '$.run_id', 'another boot', '$.last_time', "
          "4000000000000000)");
  Peer newcomer = peer("newcomer");
  const SyncReply joined = newcomer.sync();
  EXPECT_GT(joined.barrier_left, 0us);
  EXPECT_GT(joined.view.epoch, before);
  const SyncReply settled = newcomer.sync_until([](const SyncReply& reply) { return reply.settled; });
  EXPECT_GT(settled.view.epoch, joined.view.epoch) << "the member of the former boot is evicted in time";
}

TEST_F(SqliteReplaced, RefusesAForeignFileThatTookThePlaceOfTheStore) {
  Peer live = peer("live");
  settle(live);
  const std::string foreign(3000, 'x');
  std::filesystem::remove(folder_.store());
  write_file(folder_.store(), foreign);
  EXPECT_EQ(live.try_sync().error().code, ErrorCode::store_corrupt);
  EXPECT_EQ(read_file(folder_.store()), foreign);
  std::filesystem::remove(folder_.store());
  live.sync();
}

/// What newcomers of another process find then is a pool without members: they wait for one lease, so a live
/// node must not renew its own.
TEST_F(SqliteReplaced, EndsALiveNodeWhoseLogWasDeleted) {
  for (const std::string& part : {std::string("-shm"), std::string("-wal")}) {
    SqliteFolder folder;
    Peer live = peer_on(folder.store(), "live", short_lease());
    settle(live);
    std::filesystem::remove(folder.store() + part);
    const auto refused = live.try_sync();
    ASSERT_FALSE(refused) << part;
    EXPECT_EQ(refused.error().code, ErrorCode::store_corrupt) << part;
    write_file(folder.store() + part, "another process made it again");
    EXPECT_FALSE(live.try_sync()) << part;
  }
}

}  // namespace
}  // namespace nodepool::conformance
