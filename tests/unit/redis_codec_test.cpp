#include <gtest/gtest.h>

#include <random>

#include "driver/redis/resp_codec.hpp"

namespace nodepool::redis {
namespace {

Reply text(std::string value) {
  return {.kind = Reply::Kind::text, .text = std::move(value)};
}
Reply integer(std::int64_t value) {
  return {.kind = Reply::Kind::integer, .integer = value};
}
Reply error(std::string value) {
  return {.kind = Reply::Kind::error, .text = std::move(value)};
}
Reply array(std::vector<Reply> items) {
  return {.kind = Reply::Kind::array, .items = std::move(items)};
}

using namespace std::string_literals;

/// Everything that a server can answer, and what it means.
const std::string kBytes =
    "+OK\r\n-ERR no such thing\r\n:-42\r\n$0\r\n\r\n$6\r\na\r\nb\0c\r\n$-1\r\n*-1\r\n*0\r\n"
    "*3\r\n$7\r\nmessage\r\n*2\r\n:1\r\n*1\r\n+deep\r\n$-1\r\n"s;
std::vector<Reply> expected_replies() {
  return {text("OK"),
          error("ERR no such thing"),
          integer(-42),
          text(""),
          text("a\r\nb\0c"s),
          Reply{},
          Reply{},
          array({}),
          array({text("message"), array({integer(1), array({text("deep")})}), Reply{}})};
}

/// Whether the reader ended in an error.
bool drain(ReplyReader& reader, std::vector<Reply>& replies) {
  while (true) {
    auto reply = reader.next();
    if (!reply) return false;
    if (!reply->has_value()) return true;
    replies.push_back(std::move(**reply));
  }
}

TEST(ReplyReader, ReadsTheSameHoweverTheBytesAreCut) {
  for (std::size_t first = 0; first <= kBytes.size(); ++first) {
    for (std::size_t second = first; second <= kBytes.size(); ++second) {
      ReplyReader reader;
      std::vector<Reply> replies;
      const std::string_view all = kBytes;
      for (const auto part : {all.substr(0, first), all.substr(first, second - first), all.substr(second)}) {
        reader.feed(part);
        ASSERT_TRUE(drain(reader, replies)) << first << ", " << second;
      }
      ASSERT_EQ(replies, expected_replies()) << first << ", " << second;
    }
  }
}

TEST(ReplyReader, ReadsByteByByte) {
  ReplyReader reader;
  std::vector<Reply> replies;
  for (const char byte : kBytes) {
    reader.feed({&byte, 1});
    ASSERT_TRUE(drain(reader, replies));
  }
  EXPECT_EQ(replies, expected_replies());
}

TEST(ReplyReader, RefusesWhatIsNotTheProtocol) {
  std::string deep;
  for (int level = 0; level < 100; ++level) deep += "*1\r\n";
  for (const std::string& bytes : {"HTTP/1.1 400 Bad Request\r\n\r\n"s,
                                   "$abc\r\n"s,
                                   "$-2\r\n"s,
                                   ":1x\r\n"s,
                                   ":\r\n"s,
                                   ":99999999999999999999\r\n"s,
                                   "*-2\r\n"s,
                                   "*99999999999\r\n"s,
                                   "*2147483647\r\n"s,
                                   "*1048577\r\n"s,
                                   "%1\r\n+a\r\n+b\r\n"s,
                                   "_\r\n"s,
                                   ",1.5\r\n"s,
                                   "#t\r\n"s,
                                   ">1\r\n+a\r\n"s,
                                   "~1\r\n+a\r\n"s,
                                   deep,
                                   "*2\r\n+ok\r\n?\r\n"s,
                                   "\0\0\0\0\r\n"s,
                                   "\x16\x03\x01\x02"s}) {
    ReplyReader reader;
    std::vector<Reply> replies;
    reader.feed(bytes);
    EXPECT_FALSE(drain(reader, replies)) << testing::PrintToString(bytes);
    EXPECT_TRUE(replies.empty()) << testing::PrintToString(bytes);
    // It stays refused, whatever comes.
    reader.feed("+OK\r\n");
    EXPECT_FALSE(drain(reader, replies)) << testing::PrintToString(bytes);
  }
}

TEST(ReplyReader, AnAnnouncedSizeCostsNothingUntilItComes) {
  ReplyReader reader;
  std::vector<Reply> replies;
  reader.feed("*1048576\r\n*1048576\r\n*1048576\r\n$536870912\r\nabc");
  EXPECT_TRUE(drain(reader, replies));
  EXPECT_TRUE(replies.empty());
}

TEST(ReplyReader, GivesUpOnAReplyWithoutEnd) {
  ReplyReader reader;
  std::vector<Reply> replies;
  const std::string block(std::size_t{1} << 20U, 'x');
  reader.feed("$536870912\r\n");
  std::size_t fed = 0;
  while (drain(reader, replies) && fed < 2 * kMaxReplyBytes) {
    reader.feed(block);
    fed += block.size();
  }
  EXPECT_LE(fed, kMaxReplyBytes);
}

TEST(ReplyReader, GivesUpOnTooManyItemsOfNestedArrays) {
  ReplyReader reader;
  std::vector<Reply> replies;
  std::string bytes = "*1048576\r\n";
  for (int index = 0; index < 600'000; ++index) bytes += "*1\r\n:1\r\n";
  reader.feed(bytes);
  EXPECT_FALSE(drain(reader, replies));
}

TEST(ReplyReader, ManyRepliesInARowUseUpNoBudget) {
  ReplyReader reader;
  std::vector<Reply> replies;
  const std::string one = "*2\r\n$5\r\nhello\r\n:1\r\n";
  std::string many;
  for (int index = 0; index < 1000; ++index) many += one;
  for (int round = 0; round < 1000; ++round) {
    replies.clear();
    reader.feed(many);
    ASSERT_TRUE(drain(reader, replies)) << round;
    ASSERT_EQ(replies.size(), 1000U);
  }
}

TEST(ReplyReader, NoGarbageCrashesIt) {
  const unsigned seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  const std::string_view alphabet = "+-:$*0123456789\r\n\r\n abc%_,#>~(=!|";
  for (int round = 0; round < 20'000; ++round) {
    ReplyReader reader;
    std::vector<Reply> replies;
    std::string bytes;
    for (auto index = random() % 60; index > 0; --index) bytes += alphabet[random() % alphabet.size()];
    for (const char byte : bytes) {
      reader.feed({&byte, 1});
      if (!drain(reader, replies)) break;
    }
  }
}

TEST(Command, IsSentInTheFormOfTheProtocol) {
  EXPECT_EQ(encode_command({"SET", "k\r\n", "\0"s}), "*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$1\r\n\0\r\n"s);
}

}  // namespace
}  // namespace nodepool::redis
