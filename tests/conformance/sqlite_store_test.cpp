#include <cstdlib>
#include <filesystem>

#include "conformance/store_contract.hpp"
#include "nodepool/sqlite.hpp"

namespace nodepool::conformance {
namespace {

class SqliteStore final : public StoreUnderTest {
 public:
  SqliteStore() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nodepool-contract-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder");
    folder_ = pattern;
  }
  ~SqliteStore() override { std::filesystem::remove_all(folder_); }
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  std::shared_ptr<Driver> connect() override { return open_sqlite((folder_ / "pool.db").string()).value(); }
  /// The file is made by the first session in a folder of its own.
  bool first_pool_is_behind_barrier() const override { return false; }

 private:
  std::filesystem::path folder_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract,
                         testing::Values(StoreParameter{"sqlite",
                                                        [] { return std::make_unique<SqliteStore>(); }}),
                         name_of);

}  // namespace
}  // namespace nodepool::conformance
