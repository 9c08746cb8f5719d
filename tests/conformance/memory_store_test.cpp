#include "conformance/store_contract.hpp"
#include "nodepool/memory.hpp"

namespace nodepool::conformance {
namespace {

class MemoryStore final : public StoreUnderTest {
 public:
  /// Pools share a memory store only through one driver object.
  std::shared_ptr<Driver> connect() override { return driver_; }
  bool first_pool_is_behind_barrier() const override { return false; }

 private:
  std::shared_ptr<Driver> driver_ = open_memory();
};

INSTANTIATE_TEST_SUITE_P(Memory, StoreContract,
                         testing::Values(StoreParameter{"memory",
                                                        [] { return std::make_unique<MemoryStore>(); }}),
                         name_of);

}  // namespace
}  // namespace nodepool::conformance
