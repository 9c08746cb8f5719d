#pragma once

#include <cstddef>

namespace nodepool::test {

/// How often this thread has called operator new. A program that uses this has its operator new replaced.
std::size_t allocations() noexcept;

}  // namespace nodepool::test
