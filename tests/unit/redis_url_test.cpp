#include <gtest/gtest.h>

#include "nodepool/redis.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;

struct Good {
  const char* url;
  RedisOptions expected;
};

bool operator==(const RedisOptions& left, const RedisOptions& right) {
  return left.host == right.host && left.port == right.port && left.unix_path == right.unix_path &&
         left.user == right.user && left.password == right.password && left.database == right.database &&
         left.connect_timeout == right.connect_timeout && left.call_timeout == right.call_timeout;
}

TEST(RedisUrl, ReadsEveryPart) {
  const std::vector<Good> table{
      {"redis://localhost", {.host = "localhost"}},
      {"redis://10.0.0.1:7000", {.host = "10.0.0.1", .port = 7000}},
      {"redis://a.b/", {.host = "a.b"}},
      {"redis://a.b/3", {.host = "a.b", .database = 3}},
      {"redis://[::1]", {.host = "::1"}},
      {"redis://[fe80::1]:7000/2", {.host = "fe80::1", .port = 7000, .database = 2}},
      {"redis://me:secret@h", {.host = "h", .user = "me", .password = "secret"}},
      {"redis://:secret@h", {.host = "h", .password = "secret"}},
      {"redis://me@h", {.host = "h", .user = "me"}},
      {"redis://m%40e:p%3Aw%2F%25%20@h", {.host = "h", .user = "m@e", .password = "p:w/% "}},
      {"redis://:a@b@h", {.host = "h", .password = "a@b"}},
      {"redis://:a:b@h", {.host = "h", .password = "a:b"}},
      {"redis://h?timeout=500ms", {.host = "h", .call_timeout = 500ms}},
      {"redis://h/1?connect_timeout=2s&timeout=3s",
       {.host = "h", .database = 1, .connect_timeout = 2s, .call_timeout = 3s}},
      {"redis://h?db=4", {.host = "h", .database = 4}},
      {"unix:///run/redis.sock", {.unix_path = "/run/redis.sock"}},
      {"unix:///run/a%20b.sock?db=5", {.unix_path = "/run/a b.sock", .database = 5}},
      {"unix://me:secret@/run/redis.sock",
       {.unix_path = "/run/redis.sock", .user = "me", .password = "secret"}},
  };
  for (const auto& [url, expected] : table) {
    SCOPED_TRACE(url);
    const auto options = parse_redis_url(url);
    ASSERT_TRUE(options) << options.error().message;
    if (!expected.unix_path.empty()) {
      EXPECT_EQ(options->unix_path, expected.unix_path);
      EXPECT_EQ(options->database, expected.database);
      EXPECT_EQ(options->password, expected.password);
    } else {
      EXPECT_TRUE(*options == expected);
    }
  }
}

TEST(RedisUrl, SaysWhichPartIsWrong) {
  struct Bad {
    std::string url;
    const char* part;
  };
  const std::vector<Bad> table{
      {"", "neither redis:// nor unix://"},
      {"localhost:6379", "neither redis:// nor unix://"},
      {"http://h", "neither redis:// nor unix://"},
      {"rediss://h", "TLS"},
      {"redis://", "host is missing"},
      {"redis:///3", "host is missing"},
      {"redis://:6379", "host is missing"},
      {"redis://h:", "port"},
      {"redis://h:0", "port"},
      {"redis://h:65536", "port"},
      {"redis://h:-1", "port"},
      {"redis://h:12x", "port"},
      {"redis://::1", "brackets"},
      {"redis://[::1", "not closed"},
      {"redis://[::1]x", "port"},
      {"redis://h/x", "database"},
      {"redis://h/1/2", "database"},
      {"redis://h/-1", "database"},
      {"redis://h/99999999999999999999", "database"},
      {"redis://h?db=x", "db"},
      {"redis://h?timeout=5", "timeout"},
      {"redis://h?timeout=5h", "timeout"},
      {"redis://h?timeout=-5s", "timeout"},
      {"redis://h?timeout=1ms", "call_timeout"},
      {"redis://h?connect_timeout=61s", "connect_timeout"},
      {"redis://h?timeout", "no value"},
      {"redis://h?color=red", "unknown parameter"},
      {"redis://h#x", "'#'"},
      {"redis://u:%zz@h", "'%'"},
      {"redis://u:%4@h", "'%'"},
      {"redis://a b", "spaces"},
      {"redis://a%00b", "spaces"},
      {"unix://", "path is missing"},
      {"unix://run/redis.sock", "start with '/'"},
      {"unix:///" + std::string(200, 'x'), "at most 107 bytes"},
  };
  for (const auto& [url, part] : table) {
    SCOPED_TRACE(url);
    const auto options = parse_redis_url(url);
    ASSERT_FALSE(options);
    EXPECT_EQ(options.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(options.error().message.find(part), std::string::npos) << options.error().message;
  }
}

TEST(RedisUrl, ShowsNoPartOfAPasswordThatWasNotEncoded) {
  for (const char* url :
       {"redis://me:hunter/zwei@h", "redis://me:hunter?zwei@h", "redis://me:hunter#zwei@h",
        "redis://me:hunter%zwei@h", "redis://hunter:zwei@h:hunter", "redis://me:zwei@[hunter",
        "unix://me:hunter@zwei", "redis://me:zwei/hunter?hunter", "http://me:hunter@h"}) {
    const auto options = parse_redis_url(url);
    ASSERT_FALSE(options) << url;
    EXPECT_EQ(options.error().message.find("hunter"), std::string::npos) << options.error().message;
    EXPECT_EQ(options.error().message.find("zwei"), std::string::npos) << options.error().message;
  }
}

TEST(RedisOptions, AreCheckedAllTogether) {
  const auto driver =
      open_redis(RedisOptions{.host = "", .port = 0, .connect_timeout = 1ms, .call_timeout = 2min});
  ASSERT_FALSE(driver);
  EXPECT_EQ(driver.error().code, ErrorCode::invalid_argument);
  for (const char* part : {"host", "port", "connect_timeout", "call_timeout"}) {
    EXPECT_NE(driver.error().message.find(part), std::string::npos) << driver.error().message;
  }
}

TEST(RedisDriver, DescribesTheServerWithoutSecrets) {
  EXPECT_EQ(open_redis("redis://me:secret@h/3").value()->describe(), "redis://h:6379/3");
  EXPECT_EQ(open_redis("redis://[::1]:7000").value()->describe(), "redis://[::1]:7000/0");
  EXPECT_EQ(open_redis("unix://me:secret@/run/r.sock?db=2").value()->describe(), "unix:///run/r.sock?db=2");
}

}  // namespace
}  // namespace nodepool
