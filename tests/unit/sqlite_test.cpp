#include "nodepool/sqlite.hpp"

#include <gtest/gtest.h>

/// What the SQLite driver says without touching a file; tests/conformance has the rest.

namespace nodepool {
namespace {

TEST(SqliteDriver, RefusesPathsThatCannotBeAFile) {
  for (const std::string& path : {std::string(), std::string("a\0b", 3), std::string("/tmp/folder/")}) {
    const auto driver = open_sqlite(path);
    ASSERT_FALSE(driver) << path;
    EXPECT_EQ(driver.error().code, ErrorCode::invalid_argument);
  }
}

TEST(SqliteDriver, DescribesItselfByThePathAndCanDoEverything) {
  const auto driver = open_sqlite("/var/lib/service/pool.db");
  ASSERT_TRUE(driver);
  EXPECT_EQ((*driver)->describe(), "sqlite:/var/lib/service/pool.db");
  const Capabilities can = (*driver)->capabilities();
  EXPECT_TRUE(can.acknowledges && can.holds && can.hints);
}

TEST(SqliteDriver, DoesNoInputOrOutputWhenASessionIsOpened) {
  const auto driver = open_sqlite("/nonexistent/folder/pool.db");
  ASSERT_TRUE(driver);
  EXPECT_NE((*driver)->open(ServiceName("service")), nullptr);
}

}  // namespace
}  // namespace nodepool
