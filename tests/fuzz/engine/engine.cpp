// One program per target: libFuzzer brings main(). An exception that leaves the target is a finding.

#include <cstddef>
#include <cstdint>

#include "fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the engine has bytes, we have characters.
  nodepool::fuzz::NODEPOOL_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
