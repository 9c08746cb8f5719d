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

// The array and sized forms of the standard library end in these. Those of AddressSanitizer do not: it has
// its own for every form that is not replaced, and reports memory that comes from one and goes to the other.
void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  ++allocation_count;
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): as above.
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
