#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "nodepool/export.hpp"
#include "nodepool/ring.hpp"

namespace nodepool {

/// An ArcSet that answers in about a nanosecond: the top bits of a hash choose two bits of a table, which say
/// "not in the set", "in the set", or "look". Only the buckets that hold an end of an arc say "look", less
/// than 0.2 % of all hashes for up to 1,024 arcs. Hashes are uniform, so the top bits are as good as any.
///
/// The hashes of a node in a great pool are another matter: its arcs are short, so that most of what is in
/// them needs a look. A directory by fewer top bits leads to the few arcs that may hold the hash; these are
/// compared without a branch, in some nanoseconds more.
///
/// The table has 1,024 buckets or more for each arc, up to 2^20 (256 KiB); 50 arcs have 2^16 (16 KiB). Arcs
/// that begin and end at multiples of a power of two, as the slots of a table do, get buckets of just that
/// size, and nothing says "look".
///
/// An immutable value: copies share the table, every member function is thread-safe.
class NODEPOOL_EXPORT ArcFilter {
 public:
  /// The empty set.
  ArcFilter() = default;
  /// Implicit, as it is the same set. O(arcs + buckets / 32): 1 to 10 microseconds for a node of 50 points.
  ArcFilter(ArcSet arcs);  // NOLINT(google-explicit-constructor)
  ArcFilter(const ArcFilter&) = default;
  ArcFilter& operator=(const ArcFilter&) = default;
  // A move copies: what was moved from would point into a table that it does not own.
  ArcFilter(ArcFilter&& other) noexcept { *this = other; }
  ArcFilter& operator=(ArcFilter&& other) noexcept { return *this = other; }
  ~ArcFilter() = default;

  /// O(1); O(log arcs) only where five arcs or more crowd in a place that has a quarter of one on average.
  [[nodiscard]] bool contains(std::uint64_t hash) const noexcept {
    const std::uint64_t bucket = hash >> shift_;
    const std::uint64_t answer = (words_[bucket / kPerWord] >> (2 * (bucket % kPerWord))) & kMask;
    if (answer < kLook) [[likely]] {
      return answer == kInside;
    }
    return look(hash);
  }
  [[nodiscard]] bool empty() const noexcept { return arcs().empty(); }
  [[nodiscard]] const ArcSet& arcs() const noexcept;
  operator const ArcSet&() const noexcept { return arcs(); }  // NOLINT(google-explicit-constructor)
  /// The hashes that are in both; shares the table of the one that is part of the other.
  [[nodiscard]] ArcFilter intersect(const ArcFilter& other) const;
  /// How many buckets the table has, and how many of them say "look".
  [[nodiscard]] std::size_t buckets() const noexcept;
  [[nodiscard]] std::size_t unsure_buckets() const noexcept;

 private:
  static constexpr std::uint64_t kPerWord = 32;
  static constexpr std::uint64_t kMask = 3;
  static constexpr std::uint64_t kInside = 1;
  static constexpr std::uint64_t kLook = 2;
  static constexpr unsigned kShiftOfNothing = 63;
  static constexpr std::uint64_t kNothing = 0;
  struct Table;

  [[nodiscard]] bool look(std::uint64_t hash) const noexcept;

  std::shared_ptr<const Table> table_;  ///< Null: the empty set.
  /// What a decision reads, one step nearer than `table_`.
  const std::uint64_t* words_ = &kNothing;
  unsigned shift_ = kShiftOfNothing;
};

}  // namespace nodepool
