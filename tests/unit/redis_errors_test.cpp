#include <gtest/gtest.h>

#include "driver/redis/connection.hpp"
#include "driver/redis/errors.hpp"
#include "driver/redis/scripts.hpp"

namespace nodepool::redis {
namespace {

TEST(RedisError, HasTheCodeToActOn) {
  struct Case {
    const char* text;
    ErrorCode code;
  };
  for (const auto& [text, code] : {
           Case{"NOPERM this user has no permissions to run the 'evalsha' command",
                ErrorCode::permission_denied},
           Case{"ERR Error running script (call to f_1): @user_script:9: @user_script: 9: The user executing "
                "the "
                "script can't access at least one of the keys mentioned in the command arguments",
                ErrorCode::permission_denied},
           Case{"ERR ACL failure in script: User nodes has no permissions to run the 'zadd' command script: "
                "50, on "
                "@user_script:9.",
                ErrorCode::permission_denied},
           Case{"WRONGPASS invalid username-password pair or user is disabled.",
                ErrorCode::permission_denied},
           Case{"NOAUTH Authentication required.", ErrorCode::permission_denied},
           Case{"WRONGTYPE Operation against a key holding the wrong kind of value",
                ErrorCode::store_corrupt},
           Case{"ERR Error running script (call to f_1): @user_script:1: WRONGTYPE Operation against a key",
                ErrorCode::store_corrupt},
           Case{"LOADING Redis is loading the dataset in memory", ErrorCode::unavailable},
           Case{"BUSY Redis is busy running a script.", ErrorCode::unavailable},
           Case{"MASTERDOWN Link with MASTER is down", ErrorCode::unavailable},
           Case{"ERR Error running script: @user_script:1: -READONLY You can't write against a read only "
                "replica.",
                ErrorCode::unavailable},
           Case{"CLUSTERDOWN The cluster is down", ErrorCode::unavailable},
           Case{"OOM command not allowed when used memory > 'maxmemory'.", ErrorCode::unavailable},
           Case{"MISCONF Redis is configured to save RDB snapshots", ErrorCode::unavailable},
           Case{"ERR max number of clients reached", ErrorCode::unavailable},
           Case{"MOVED 3999 127.0.0.1:6381", ErrorCode::unsupported},
           Case{"ERR This instance has cluster support disabled", ErrorCode::unsupported},
           Case{"TRYAGAIN Multiple keys request during rehashing of slot", ErrorCode::unavailable},
           Case{"ERR unknown command 'EVALSHA'", ErrorCode::unsupported},
           Case{"ERR user_script:1: attempt to index a nil value", ErrorCode::internal},
       }) {
    const Error error = server_error(text, "redis://h:1/0", "service");
    EXPECT_EQ(error.code, code) << error.message;
    EXPECT_NE(error.message.find("redis://h:1/0"), std::string::npos);
    EXPECT_NE(error.message.find("nodepool:{service}:"), std::string::npos);
  }
}

TEST(RedisError, ShowsNoPassword) {
  EXPECT_EQ(without_password("ERR unknown command `AUTH`, with args: `me`, `top`, topmost", "top"),
            "ERR unknown command `AUTH`, with args: `me`, `***`, ***most");
  EXPECT_EQ(without_password("a*b", "*"), "a***b");
  EXPECT_EQ(without_password("abc", ""), "abc");
}

TEST(RedisServerInfo, RefusesAnOldOrUnknownServer) {
  EXPECT_EQ(parse_server_info("# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\n", "s").value().run_id,
            "abc");
  EXPECT_TRUE(parse_server_info("redis_version:6.2.0\r\nrun_id:abc\r\n", "s"));
  EXPECT_TRUE(parse_server_info("redis_version:10.0.0\r\nrun_id:abc\r\n", "s"));
  for (const char* info :
       {"", "redis_version:6.0.16\r\nrun_id:abc\r\n", "redis_version:5.9.9\r\nrun_id:abc",
        "redis_version:x\r\nrun_id:abc", "redis_version:7\r\nrun_id:abc", "redis_version:7.0.0\r\n"}) {
    const auto parsed = parse_server_info(info, "s");
    ASSERT_FALSE(parsed) << info;
    EXPECT_EQ(parsed.error().code, ErrorCode::unsupported);
  }
}

TEST(RedisServerInfo, TellsReplicasFromMasters) {
  const std::string server = "redis_version:7.0.15\r\nrun_id:abc\r\n";
  const auto master = parse_server_info(server + "role:master\r\nconnected_slaves:2\r\n", "s").value();
  EXPECT_FALSE(master.is_replica);
  EXPECT_EQ(master.replicas, 2U);
  EXPECT_TRUE(parse_server_info(server + "role:slave\r\nconnected_slaves:0\r\n", "s")->is_replica);
  EXPECT_EQ(parse_server_info(server, "s")->replicas, 0U);
}

TEST(RedisSyncReply, OfAnUnexpectedFormIsCorrupt) {
  SyncRequest request;
  const auto text = [](const char* value) { return Reply{.kind = Reply::Kind::text, .text = value}; };
  const Reply nothing{.kind = Reply::Kind::array};
  std::vector<Reply> items{text("ok"), text("l"), text("1"), text("v"), text("1"), text("0"), text(""),
                           text("5"),  text("0"), nothing,   Reply{},   Reply{},   text("0")};
  const auto read = [&] {
    return read_sync_reply(ServiceName("s"), request, Reply{.kind = Reply::Kind::array, .items = items});
  };
  ASSERT_TRUE(read());
  for (std::size_t index = 0; index < items.size(); ++index) {
    const Reply good = std::exchange(items[index], Reply{.kind = Reply::Kind::integer, .integer = 1});
    const auto reply = read();
    ASSERT_FALSE(reply) << index;
    EXPECT_EQ(reply.error().code, ErrorCode::store_corrupt);
    items[index] = good;
  }
  while (!items.empty()) {
    items.pop_back();
    EXPECT_FALSE(read());
  }
}

TEST(RedisSyncReply, WithTimesOrAnEpochBeyondReasonIsCorrupt) {
  const SyncRequest request;
  const auto text = [](const char* value) { return Reply{.kind = Reply::Kind::text, .text = value}; };
  const Reply nothing{.kind = Reply::Kind::array};
  const std::vector<Reply> good{text("ok"), text("l"), text("1"), text("v"), text("1"), text("0"), text("1"),
                                text("5"),  text("0"), nothing,   Reply{},   Reply{},   text("0")};
  const auto is_read = [&](const std::vector<Reply>& items) {
    return read_sync_reply(ServiceName("s"), request, {.kind = Reply::Kind::array, .items = items})
        .has_value();
  };
  ASSERT_TRUE(is_read(good));
  for (const std::size_t number : {2U, 5U, 6U, 7U}) {
    for (const char* value : {"9223372036854775807", "-9223372036854775808"}) {
      auto bad = good;
      bad[number] = text(value);
      EXPECT_FALSE(is_read(bad)) << number << " " << value;
    }
  }
}

TEST(RedisSyncCall, RefusesWhatTheScriptCannotTake) {
  const auto code_of = [](const SyncRequest& request) {
    const auto call = sync_call(ServiceName("s"), request, "run");
    return call ? std::optional<ErrorCode>() : call.error().code;
  };
  SyncRequest request;
  EXPECT_EQ(code_of(request), std::nullopt);
  request.held = {"two\nlines"};
  EXPECT_EQ(code_of(request), ErrorCode::invalid_argument);
  request.held = {};
  request.known.epoch.value = ~std::uint64_t{0};
  EXPECT_EQ(code_of(request), ErrorCode::invalid_argument);
  request.known = {};
  request.config.hash = "two words";
  EXPECT_EQ(code_of(request), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace nodepool::redis
