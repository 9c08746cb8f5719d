#include "conformance/sqlite_folder.hpp"

namespace nodepool::conformance {
namespace {

class FreshSqliteStore final : public StoreUnderTest {
 public:
  std::shared_ptr<Driver> connect() override { return open_sqlite(folder_.store()).value(); }
  /// The file is made by the first session in a folder of its own.
  bool first_pool_is_behind_barrier() const override { return false; }

 private:
  SqliteFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract,
                         testing::Values(StoreParameter{"sqlite",
                                                        [] { return std::make_unique<FreshSqliteStore>(); }}),
                         name_of);

}  // namespace
}  // namespace nodepool::conformance
