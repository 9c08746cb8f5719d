#include <gtest/gtest.h>

#include "nodepool/redis.hpp"

namespace nodepool {
namespace {

using namespace std::chrono_literals;

struct Good {
  const char* url;
  RedisOptions expected;
};

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
      {"redis://h?min_replicas=2", {.host = "h", .min_replicas = 2}},
      {"rediss://h", {.host = "h", .tls = {.enabled = true}}},
      {"rediss://h?ca=/etc/a%20b.pem&cert=c.pem&key=k.pem&verify=ca",
       {.host = "h", .tls = {true, TlsVerify::ca, "/etc/a b.pem", "c.pem", "k.pem"}}},
      {"rediss://h?verify=none", {.host = "h", .tls = {true, TlsVerify::none, "", "", ""}}},
      {"redis+sentinel://s1,s2:7000,[::1]/orders/3",
       {.database = 3,
        .topology = RedisTopology::sentinel,
        .seeds = {{"s1", 26379}, {"s2", 7000}, {"::1", 26379}},
        .master_name = "orders"}},
      {"redis+sentinel://me:pw@s1?sentinel_user=su&sentinel_password=sp%26",
       {.user = "me",
        .password = "pw",
        .topology = RedisTopology::sentinel,
        .seeds = {{"s1", 26379}},
        .master_name = "mymaster",
        .sentinel_user = "su",
        .sentinel_password = "sp&"}},
      {"rediss+cluster://:pw@c1:7001,c2",
       {.password = "pw",
        .topology = RedisTopology::cluster,
        .seeds = {{"c1", 7001}, {"c2", 6379}},
        .tls = {.enabled = true}}},
      {"unix:///run/redis.sock", {.unix_path = "/run/redis.sock"}},
      {"unix:///run/a%20b.sock?db=5", {.unix_path = "/run/a b.sock", .database = 5}},
      {"unix://me:secret@/run/redis.sock",
       {.unix_path = "/run/redis.sock", .user = "me", .password = "secret"}},
  };
  for (const auto& [url, expected] : table) {
    SCOPED_TRACE(url);
    const auto options = parse_redis_url(url);
    ASSERT_TRUE(options) << options.error().message;
    EXPECT_TRUE(*options == expected);
  }
}

TEST(RedisUrl, SaysWhichPartIsWrong) {
  struct Bad {
    std::string url;
    const char* part;
  };
  const std::vector<Bad> table{
      {"", "it starts with neither"},
      {"localhost:6379", "it starts with neither"},
      {"http://h", "it starts with neither"},
      {"redis+tls://h", "it starts with neither"},
      {"redis://h?ca=x", "needs TLS"},
      {"rediss://h?verify=maybe", "verify must be"},
      {"rediss://h?cert=x", "given together"},
      {"redis://h?min_replicas=x", "min_replicas"},
      {"redis://h?min_replicas=101", "min_replicas"},
      {"redis://h?sentinel_password=x", "only for Sentinels"},
      {"redis+sentinel://", "host is missing"},
      {"redis+sentinel://a,,b", "host is missing"},
      {"redis+sentinel://a/m/x", "database"},
      {"redis+sentinel://a/m%20m", "master's name"},
      {"redis+cluster://a/1", "database 0"},
      {"redis+cluster://a?db=1", "database 0"},
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
