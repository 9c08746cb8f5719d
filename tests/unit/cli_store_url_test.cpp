#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/parts/store_url.hpp"
#include "nodepool/redis.hpp"

namespace {

using namespace nodepool;
using namespace nodepool::cli;
namespace fs = std::filesystem;

/// A folder that stands in for XDG_RUNTIME_DIR while it lives.
class RuntimeFolder {
 public:
  RuntimeFolder() : path_(fs::temp_directory_path() / "nodepool-test-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp");
    if (const char* old = std::getenv("XDG_RUNTIME_DIR")) old_ = old;
    ::setenv("XDG_RUNTIME_DIR", path_.c_str(), 1);
  }
  ~RuntimeFolder() {
    if (old_.empty()) {
      ::unsetenv("XDG_RUNTIME_DIR");
    } else {
      ::setenv("XDG_RUNTIME_DIR", old_.c_str(), 1);
    }
    fs::remove_all(path_);
  }
  RuntimeFolder(const RuntimeFolder&) = delete;
  RuntimeFolder& operator=(const RuntimeFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string old_;
};

TEST(CliStoreUrl, TheDefaultIsAFileInAPrivateFolder) {
  const RuntimeFolder runtime;
  const auto url = default_store_url();
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(*url, "sqlite:" + runtime.path() + "/nodepool/nodepool.db");
  struct stat info {};
  ASSERT_EQ(::stat((runtime.path() + "/nodepool").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  EXPECT_TRUE(default_store_url()) << "the folder may be there already";
}

TEST(CliStoreUrl, ADefaultFolderThatOthersCanUseIsRefused) {
  const RuntimeFolder runtime;
  const std::string folder = runtime.path() + "/nodepool";
  ASSERT_EQ(::mkdir(folder.c_str(), 0700), 0);
  ASSERT_EQ(::chmod(folder.c_str(), 0750), 0);
  const auto url = default_store_url();
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().code, ErrorCode::permission_denied);
  EXPECT_NE(url.error().message.find(folder), std::string::npos);
}

TEST(CliStoreUrl, ADefaultFolderThatIsALinkOrAFileIsRefused) {
  const RuntimeFolder runtime;
  const std::string folder = runtime.path() + "/nodepool";
  const std::string elsewhere = runtime.path() + "/elsewhere";
  ASSERT_EQ(::mkdir(elsewhere.c_str(), 0700), 0);
  ASSERT_EQ(::symlink(elsewhere.c_str(), folder.c_str()), 0);
  EXPECT_FALSE(default_store_url());
  ASSERT_EQ(::unlink(folder.c_str()), 0);
  std::ofstream(folder) << "a file";
  EXPECT_FALSE(default_store_url());
}

TEST(CliStoreUrl, ARuntimeFolderThatIsNotThereIsNotUsed) {
  const RuntimeFolder runtime;
  ::setenv("XDG_RUNTIME_DIR", (runtime.path() + "/missing").c_str(), 1);
  const auto url = default_store_url();
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(*url, "sqlite:/tmp/nodepool-" + std::to_string(::geteuid()) + "/nodepool.db");
}

TEST(CliStoreUrl, AMemoryStoreIsRefusedBecauseNobodyCouldSeeIt) {
  const auto opened = open_store("memory:", StoreUse::join);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(opened.error().message.find("no other"), std::string::npos) << opened.error().message;
}

TEST(CliStoreUrl, UnknownKindsAreRefusedWithoutShowingAPassword) {
  for (const char* url :
       {"", "http://u:secret@host", "sqlite", "/tmp/file.db", "redisx://:secret@host", "redis:secret@host"}) {
    const auto opened = open_store(url, StoreUse::join);
    ASSERT_FALSE(opened) << url;
    EXPECT_EQ(opened.error().code, ErrorCode::invalid_argument) << url;
    EXPECT_EQ(opened.error().message.find("secret"), std::string::npos) << opened.error().message;
  }
}

TEST(CliStoreUrl, AnObserverMakesNoFile) {
  const RuntimeFolder runtime;
  const std::string file = runtime.path() + "/pool.db";
  const auto opened = open_store("sqlite:" + file, StoreUse::observe);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::not_found);
  EXPECT_FALSE(fs::exists(file));
  EXPECT_TRUE(open_store("sqlite:" + file, StoreUse::join));
}

TEST(CliStoreUrl, APasswordIsPutWhereTheUrlHasNone) {
  struct Case {
    const char* url;
    const char* expected;
  };
  for (const auto& [url, expected] :
       {Case{"redis://host:1/2?timeout=1s", "redis://:p%40%2F%3A%25%20w@host:1/2?timeout=1s"},
        Case{"rediss://nodes@host", "rediss://nodes:p%40%2F%3A%25%20w@host"},
        Case{"rediss://nodes:@host", "rediss://nodes:p%40%2F%3A%25%20w@host"},
        Case{"unix:///run/redis.sock?db=1", "unix://:p%40%2F%3A%25%20w@/run/redis.sock?db=1"},
        Case{"redis://host?ca=/a@b:c", "redis://:p%40%2F%3A%25%20w@host?ca=/a@b:c"},
        Case{"redis+sentinel://u@a,b:2/name", "redis+sentinel://u:p%40%2F%3A%25%20w@a,b:2/name"},
        Case{"redis://nodes:own@host", "redis://nodes:own@host"}}) {
    EXPECT_EQ(with_password(url, "p@/:% w").value(), expected);
  }
  EXPECT_EQ(parse_redis_url(with_password("redis://nodes@host", "p@/:% w").value()).value().password,
            "p@/:% w");
  EXPECT_FALSE(with_password("sqlite:/tmp/x", "p"));
  EXPECT_FALSE(with_password("", "p"));
}

TEST(CliStoreUrl, APasswordInAUrlIsSeen) {
  for (const char* url : {"redis://:p@host", "rediss://u:p@host/1", "unix://u:p@/run/x"}) {
    EXPECT_TRUE(has_password(url)) << url;
    EXPECT_TRUE(shows_password(url)) << url;
  }
  for (const char* url :
       {"redis://host:1", "redis://u@host:1", "redis://u:@host", "sqlite:/a:b@c", "redis://[::1]:1/0", ""}) {
    EXPECT_FALSE(has_password(url)) << url;
    EXPECT_FALSE(shows_password(url)) << url;
  }
  EXPECT_TRUE(shows_password("redis+sentinel://host/m?sentinel_password=p"));
  EXPECT_FALSE(has_password("redis+sentinel://host/m?sentinel_password=p"));
}

TEST(CliStoreUrl, APasswordIsTheFirstLineOfItsFile) {
  const RuntimeFolder runtime;
  const std::string file = runtime.path() + "/password";
  const auto read = [&](const std::string& text) {
    std::ofstream(file, std::ios::trunc) << text;
    return read_password_file(file);
  };
  for (const char* text : {"secret", "secret\n", "secret\r\n", "secret\nsecond line\n"}) {
    EXPECT_EQ(read(text).value().password, "secret") << text;
  }
  EXPECT_EQ(read(" with spaces \n").value().password, " with spaces ");
  for (const std::string& text : {std::string(), std::string("\nsecret"), std::string(5000, 'x')}) {
    const auto refused = read(text);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(refused.error().message.find(file), std::string::npos);
  }
  EXPECT_FALSE(read_password_file(runtime.path()));
  EXPECT_FALSE(read_password_file(file + ".missing"));
}

TEST(CliStoreUrl, APasswordFileThatEverybodyCanReadIsNoticed) {
  const RuntimeFolder runtime;
  const std::string file = runtime.path() + "/password";
  std::ofstream(file) << "secret";
  for (const mode_t mode : {0600U, 0640U, 0644U}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    EXPECT_EQ(read_password_file(file).value().is_open_to_all, mode == 0644U);
  }
}

TEST(CliStoreUrl, ServersAreOpenedWithoutBeingContacted) {
  EXPECT_TRUE(open_store("redis://127.0.0.1:1", StoreUse::observe));
  EXPECT_TRUE(open_store("unix:///nowhere/redis.sock", StoreUse::join));
  EXPECT_TRUE(open_store("redis+sentinel://127.0.0.1:1/orders", StoreUse::join));
  EXPECT_TRUE(open_store("redis+cluster://127.0.0.1:1", StoreUse::join));
}

TEST(CliStoreUrl, APoolOfGoDispatchNeedsARedisServer) {
  const StoreLayout layout{
      .go_dispatch = GoDispatchLayout::zset, .period = std::chrono::seconds(2), .prefix = "jobs"};
  const auto driver = open_store("redis://127.0.0.1:1", StoreUse::join, layout);
  ASSERT_TRUE(driver) << driver.error().message;
  EXPECT_FALSE((*driver)->capabilities().acknowledges);
  EXPECT_TRUE((*driver)->open(ServiceName("svc"))->node_name()->str().starts_with("jobs:svc:"));
  for (const char* url : {"sqlite:/tmp/x", "redis+cluster://a:1", "redis://h:notaport"}) {
    EXPECT_FALSE(open_store(url, StoreUse::join, layout)) << url;
  }
}

TEST(CliStoreUrl, GoDispatchsOptionsNeedItsDriver) {
  for (const StoreLayout& layout :
       {StoreLayout{.period = std::chrono::seconds(2)}, StoreLayout{.prefix = "jobs"}}) {
    const auto driver = open_store("redis://127.0.0.1:1", StoreUse::join, layout);
    ASSERT_FALSE(driver);
    EXPECT_EQ(driver.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(driver.error().message.find("--driver"), std::string::npos);
  }
}

}  // namespace
