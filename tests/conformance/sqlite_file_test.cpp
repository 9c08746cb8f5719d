#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance/sqlite_folder.hpp"

/// The SQLite driver and the file it is given.

namespace nodepool::conformance {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

class SqliteStore : public testing::Test {
 protected:
  /// Makes a store with a member in it and closes it, so that all is in the one file.
  void make_store() {
    Peer member = peer_on(folder_.store(), "member");
    member.sync();
  }

  /// Every call of a session is refused, and nothing in the folder changes by it.
  void expect_refused(ErrorCode code, const std::string& part) {
    const auto before = folder_.contents();
    {
      Peer peer = peer_on(folder_.store(), "peer");
      for (int round = 0; round < 2; ++round) {
        const auto sync = peer.try_sync();
        ASSERT_FALSE(sync);
        EXPECT_EQ(sync.error().code, code) << sync.error().message;
        EXPECT_THAT(sync.error().message, AllOf(HasSubstr(folder_.store()), HasSubstr(part)));
        EXPECT_EQ(peer.session().status(soon()).error().code, code);
        EXPECT_EQ(peer.session().request_drain(peer.id(), soon()).error().code, code);
      }
    }
    EXPECT_TRUE(folder_.contents() == before) << "something in the folder has changed";
  }

  SqliteFolder folder_;
};

TEST_F(SqliteStore, LeavesATextFileUntouched) {
  write_file(folder_.store(), std::string(5000, 'x'));
  expect_refused(ErrorCode::store_corrupt, "not an SQLite database");
}

TEST_F(SqliteStore, LeavesAShortFileUntouched) {
  write_file(folder_.store(), "SQLite format 3");
  expect_refused(ErrorCode::store_corrupt, "too short");
}

TEST_F(SqliteStore, LeavesAnEmptyFileUntouched) {
  write_file(folder_.store(), "");
  expect_refused(ErrorCode::store_corrupt, "is empty");
}

TEST_F(SqliteStore, LeavesADatabaseOfAnotherProgramUntouched) {
  run_sql(folder_.store(), "CREATE TABLE accounts (name TEXT); INSERT INTO accounts VALUES ('precious')");
  expect_refused(ErrorCode::store_corrupt, "another program");
}

TEST_F(SqliteStore, LeavesADatabaseOfAnotherProgramWithALogUntouched) {
  run_sql(folder_.store(), "PRAGMA journal_mode = WAL; PRAGMA application_id = 77; CREATE TABLE pools (a)");
  expect_refused(ErrorCode::store_corrupt, "another program");
}

TEST_F(SqliteStore, RefusesTheFormatOfANewerNodepool) {
  make_store();
  run_sql(folder_.store(), "PRAGMA user_version = 2");
  expect_refused(ErrorCode::unsupported, "newer nodepool");
}

TEST_F(SqliteStore, LeavesAStoreWithADamagedPageAsItIs) {
  make_store();
  std::string bytes = read_file(folder_.store());
  ASSERT_GT(bytes.size(), 8192U);
  bytes.replace(4096, 4096, std::string(4096, '\xa5'));
  write_file(folder_.store(), bytes);
  expect_refused(ErrorCode::store_corrupt, "damaged");
}

TEST_F(SqliteStore, LeavesATruncatedStoreAsItIs) {
  make_store();
  std::filesystem::resize_file(folder_.store(), 4096);
  expect_refused(ErrorCode::store_corrupt, "damaged");
}

TEST_F(SqliteStore, LeavesAStoreWithoutItsTableAsItIs) {
  make_store();
  run_sql(folder_.store(), "DROP TABLE pools; CREATE TABLE other (a)");
  expect_refused(ErrorCode::store_corrupt, "damaged");
}

TEST_F(SqliteStore, LeavesAStateThatCannotBeReadAsItIs) {
  make_store();
  run_sql(folder_.store(), "UPDATE pools SET state = substr(state, 1, 40)");
  expect_refused(ErrorCode::store_corrupt, "service 'service'");
}

TEST_F(SqliteStore, RefusesAPathThatIsAFolder) {
  std::filesystem::create_directory(folder_.store());
  expect_refused(ErrorCode::store_corrupt, "not a regular file");
}

TEST_F(SqliteStore, SaysThatTheFolderIsNotThere) {
  Peer peer = peer_on((folder_.path() / "absent" / "pool.db").string(), "peer");
  const auto reply = peer.try_sync();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
  EXPECT_THAT(reply.error().message,
              HasSubstr("there is no folder '" + (folder_.path() / "absent").string()));
}

TEST_F(SqliteStore, SaysThatALinkLeadsNowhere) {
  std::filesystem::create_symlink(folder_.path() / "nothing", folder_.store());
  expect_refused(ErrorCode::unavailable, "symbolic link");
}

TEST_F(SqliteStore, MakesNoFileForAnObserver) {
  Peer observer = peer_on(folder_.store(), "observer");
  EXPECT_EQ(observer.session().status(soon()).error().code, ErrorCode::not_found);
  EXPECT_TRUE(folder_.contents().empty());
}

TEST_F(SqliteStore, MakesFilesThatOnlyTheirOwnerCanUse) {
  const mode_t before = ::umask(0);
  Peer member = peer_on(folder_.store(), "member");
  member.sync();
  ::umask(before);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    names.push_back(entry.path().filename().string());
    EXPECT_EQ(entry.status().permissions(), std::filesystem::perms(0600)) << entry.path();
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("pool.db", "pool.db-wal", "pool.db-shm", "pool.db-hint"));
}

TEST_F(SqliteStore, IsTheSameThroughASymbolicLink) {
  const SqliteFolder elsewhere;
  std::filesystem::create_symlink(folder_.store(), elsewhere.store());
  Peer member = peer_on(folder_.store(), "member");
  member.sync();
  Peer linked = peer_on(elsewhere.store(), "through the link");
  EXPECT_THAT(linked.sync().members, Optional(ElementsAre(member.request.node, linked.request.node)));
  EXPECT_EQ(elsewhere.contents().size(), 1U) << "its log must not be beside the link";
}

TEST_F(SqliteStore, StaysWhereItWasWhenTheWorkingFolderChanges) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  const auto driver = open_sqlite("pool.db").value();
  EXPECT_EQ(driver->describe(), "sqlite:pool.db");
  std::filesystem::current_path(before);
  Peer member(*driver, ServiceName("service"), "member", middle_lease());
  member.sync();
  EXPECT_TRUE(std::filesystem::exists(folder_.store()));
}

TEST_F(SqliteStore, GivesBackItsDescriptorsAndHandsNoneToOtherPrograms) {
  const auto open_descriptors = [] {
    std::map<int, int> flags;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      const int number = std::stoi(entry.path().filename().string());
      flags[number] = ::fcntl(number, F_GETFD);
    }
    return flags;
  };
  const auto before = open_descriptors();
  {
    Peer member = peer_on(folder_.store(), "member");
    member.sync();
    for (const auto& [number, flags] : open_descriptors()) {
      if (flags < 0 || before.contains(number)) continue;
      EXPECT_EQ(flags & FD_CLOEXEC, FD_CLOEXEC) << number;
    }
  }
  EXPECT_EQ(open_descriptors().size(), before.size());
}

}  // namespace
}  // namespace nodepool::conformance
