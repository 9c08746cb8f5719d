#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "ring/points.hpp"

namespace nodepool::ring {

/// A bucket of up to 15 points in one cache line: 16 bits of each point's place in the bucket, and whose the
/// hashes up to it are.
struct alignas(64) Line {
  /// The top bits of a place in the bucket, as a signed number of the same order: that is what SSE2 compares.
  using Fragment = std::int16_t;
  using Owner = std::uint16_t;

  static constexpr std::size_t kLanes = 16;
  static constexpr std::size_t kMaxPoints = kLanes - 1;
  /// Behind the last point. It ends every search, as no fragment is greater.
  static constexpr Fragment kEnd = std::numeric_limits<Fragment>::max();
  /// Instead of an owner: only the exact points know.
  static constexpr Owner kCannotTell = std::numeric_limits<Owner>::max();

  std::array<Fragment, kLanes> fragments;  ///< Ascending, then `kEnd` to the end.
  std::array<Owner, kLanes> owners;        ///< Behind the points' owners, that of the next point on the ring.

  /// A line that cannot tell the owner of any hash.
  static Line blank() noexcept {
    Line line;
    line.fragments.fill(kEnd);
    line.owners.fill(kCannotTell);
    return line;
  }

  static Fragment fragment_of(std::uint64_t rest) noexcept {
    return static_cast<Fragment>(static_cast<std::uint16_t>(rest >> 48U) ^ 0x8000U);
  }

  /// The owner of a hash at this place in the bucket, or `kCannotTell`.
  [[nodiscard]] Owner owner(std::uint64_t rest) const noexcept {
    const Fragment wanted = fragment_of(rest);
    const std::size_t place = count_below(wanted);
    // Equal fragments say nothing about the order of the hashes.
    return fragments[place] == wanted ? kCannotTell : owners[place];
  }

  /// How many fragments are below `wanted`: at most 15. No branch: where to stop is what could not be
  /// foretold.
  [[nodiscard]] std::size_t count_below(Fragment wanted) const noexcept {
#if defined(__SSE2__)
    const auto* lanes = reinterpret_cast<const __m128i*>(fragments.data());
    const __m128i bound = _mm_set1_epi16(wanted);
    const __m128i below = _mm_packs_epi16(_mm_cmplt_epi16(_mm_load_si128(lanes), bound),
                                          _mm_cmplt_epi16(_mm_load_si128(lanes + 1), bound));
    // Lane 15 is never below, and the upper half is ones: there is a zero to count up to.
    return static_cast<unsigned>(__builtin_ctz(~static_cast<unsigned>(_mm_movemask_epi8(below))));
#else
    return count_below_portably(wanted);
#endif
  }

  /// The same in plain C++. Sixteen equal steps: compilers make vector code of it (NEON, for one).
  [[nodiscard]] std::size_t count_below_portably(Fragment wanted) const noexcept {
    std::uint16_t count = 0;
    for (const Fragment fragment : fragments) {
      count = static_cast<std::uint16_t>(count + (fragment < wanted ? 1 : 0));
    }
    return count;
  }
};

static_assert(sizeof(Line) == 64);

}  // namespace nodepool::ring
