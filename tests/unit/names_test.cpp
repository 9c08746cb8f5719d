#include <gtest/gtest.h>

#include "core/utf8.hpp"
#include "nodepool/log.hpp"
#include "nodepool/result.hpp"
#include "nodepool/types.hpp"
#include "nodepool/view.hpp"

namespace nodepool {
namespace {

using namespace std::string_literals;

bool is_service(const std::string& name) {
  return validate(ServiceName(name)).has_value();
}
bool is_node(const std::string& name) {
  return validate(NodeName(name)).has_value();
}
bool is_job(const std::string& name) {
  return validate_job_name(name).has_value();
}

TEST(Names, AServiceNameIsLettersDigitsAndFiveSigns) {
  EXPECT_TRUE(is_service("a"));
  EXPECT_TRUE(is_service("My_service-1.eu:blue/green"));
  EXPECT_TRUE(is_service(std::string(128, 'x')));
  for (const auto& bad :
       {""s, "a b"s, "a{b}"s, "a*"s, "a\n"s, "a\0b"s, "caf\xc3\xa9"s, std::string(129, 'x')}) {
    EXPECT_FALSE(is_service(bad)) << bad;
  }
}

TEST(Names, TheErrorNamesTheFirstOffendingByte) {
  const auto error = validate(ServiceName("ab{}")).error();
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_NE(error.message.find("0x7b"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("position 2"), std::string::npos) << error.message;
}

TEST(Names, ANodeNameMayBeUtf8ButHasNoSpacesAndNoControls) {
  EXPECT_TRUE(is_node("worker-1"));
  EXPECT_TRUE(is_node("caf\xc3\xa9"));
  EXPECT_TRUE(is_node(std::string(200, 'n')));
  for (const auto& bad : {""s, "a b"s, "a\tb"s, "a\x7f"s, "a\0"s, "\xff"s, "\xc3"s, std::string(201, 'n')}) {
    EXPECT_FALSE(is_node(bad)) << bad;
  }
}

TEST(Names, AJobNameMayHaveSpaces) {
  EXPECT_TRUE(is_job("nightly report"));
  EXPECT_TRUE(is_job(std::string(512, 'j')));
  for (const auto& bad : {""s, "a\nb"s, "\x1b[0m"s, "\x80"s, std::string(513, 'j')}) {
    EXPECT_FALSE(is_job(bad)) << bad;
  }
}

TEST(Utf8, TheLimitsOfEachLengthAreExact) {
  for (const auto& good :
       {"\x7f"s, "\xc2\x80"s, "\xdf\xbf"s, "\xe0\xa0\x80"s, "\xed\x9f\xbf"s, "\xee\x80\x80"s, "\xef\xbf\xbf"s,
        "\xf0\x90\x80\x80"s, "\xf4\x8f\xbf\xbf"s, "\0"s, ""s}) {
    EXPECT_TRUE(is_utf8(good));
  }
  for (const auto& bad : {"\x80"s, "\xbf"s, "\xc0\x80"s, "\xc1\xbf"s, "\xe0\x9f\xbf"s, "\xed\xa0\x80"s,
                          "\xed\xbf\xbf"s, "\xf0\x8f\xbf\xbf"s, "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s,
                          "\xc2"s, "\xe0\xa0"s, "\xf0\x90\x80"s, "\xc2\x41"s, "a\xff"s}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Names, EveryEnumeratorHasItsOwnName) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    EXPECT_NE(to_string(static_cast<ErrorCode>(i)), "?");
  }
  for (int i = 0; i <= static_cast<int>(NodeState::stopped); ++i) {
    EXPECT_NE(to_string(static_cast<NodeState>(i)), "?");
  }
  for (int i = 0; i <= static_cast<int>(Reason::stopped); ++i) {
    EXPECT_NE(to_string(static_cast<Reason>(i)), "?");
  }
  for (int i = 0; i <= static_cast<int>(LogLevel::error); ++i) {
    EXPECT_NE(to_string(static_cast<LogLevel>(i)), "?");
  }
  EXPECT_EQ(to_string(ErrorCode::outcome_unknown), "outcome_unknown");
  EXPECT_EQ(to_string(Reason::held_by_other), "held_by_other");
  EXPECT_EQ(to_string(NodeState::steady), "steady");
  EXPECT_EQ(to_string(LogLevel::warning), "warning");
}

}  // namespace
}  // namespace nodepool
