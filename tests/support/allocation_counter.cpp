#include "support/allocation_counter.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t allocation_count = 0;

void* allocate(std::size_t size) {
  ++allocation_count;
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): this is what operator new is made of.
  if (void* memory = std::malloc(size == 0 ? 1 : size)) {
    return memory;
  }
  throw std::bad_alloc();
}

}  // namespace

std::size_t nodepool::test::allocations() noexcept {
  return allocation_count;
}

// The array, nothrow and sized forms of the standard library all end in these two.
void* operator new(std::size_t size) {
  return allocate(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
