#include "ring/arc_filter.hpp"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

namespace nodepool {
namespace {

constexpr unsigned kLeastBits = 5;  ///< One word of the table.
constexpr unsigned kMostBits = 20;
constexpr unsigned kBitsPerArc = 10;
constexpr std::uint64_t kAllInside = 0x5555'5555'5555'5555u;
constexpr std::uint64_t kAllLook = kAllInside << 1;

/// How many top bits tell the ends of all arcs apart from their neighbours: 64 unless the arcs are aligned.
unsigned bits_of_ends(const std::vector<ArcSet::Arc>& arcs) noexcept {
  std::uint64_t ends = 0;
  for (const ArcSet::Arc& arc : arcs) ends |= arc.first | (arc.last + 1);
  return 64 - static_cast<unsigned>(std::countr_zero(ends));
}

unsigned table_bits(const std::vector<ArcSet::Arc>& arcs) noexcept {
  const unsigned exact = bits_of_ends(arcs);
  if (exact <= kMostBits) return std::max(exact, kLeastBits);
  const auto arc_bits = static_cast<unsigned>(std::bit_width(arcs.size() - 1));
  return std::min(arc_bits + kBitsPerArc, kMostBits);
}

/// Two bits for each of the buckets `first` to `last` of a word.
constexpr std::uint64_t mask_of(std::uint64_t first, std::uint64_t last) noexcept {
  return (~std::uint64_t{0} << (2 * first)) & (~std::uint64_t{0} >> (2 * (31 - last)));
}

/// Marks the buckets `first` to `last`.
void mark(std::vector<std::uint64_t>& words, std::uint64_t first, std::uint64_t last,
          std::uint64_t pattern) noexcept {
  const std::uint64_t first_word = first / 32;
  const std::uint64_t last_word = last / 32;
  for (std::uint64_t word = first_word; word <= last_word; ++word) {
    const std::uint64_t from = word == first_word ? first % 32 : 0;
    const std::uint64_t to = word == last_word ? last % 32 : 31;
    words[word] |= pattern & mask_of(from, to);
  }
}

std::vector<std::uint64_t> fill(const std::vector<ArcSet::Arc>& arcs, unsigned shift) {
  std::vector<std::uint64_t> words(std::size_t{1} << (64 - shift - kLeastBits));
  const std::uint64_t within = (std::uint64_t{1} << shift) - 1;
  for (const ArcSet::Arc& arc : arcs) {
    const std::uint64_t first = arc.first >> shift;
    const std::uint64_t last = arc.last >> shift;
    const bool part_of_first = (arc.first & within) != 0;
    const bool part_of_last = (arc.last & within) != within;
    if (part_of_first) mark(words, first, first, kAllLook);
    if (part_of_last) mark(words, last, last, kAllLook);
    // Of an arc within one bucket, or of two partial ones side by side, nothing is left.
    const std::uint64_t whole_first = first + (part_of_first ? 1 : 0);
    const std::uint64_t whole_end = last + (part_of_last ? 0 : 1);
    if (whole_first < whole_end) mark(words, whole_first, whole_end - 1, kAllInside);
  }
  return words;
}

/// Which arcs may hold a hash, by its top bits: four cells for each arc.
struct Directory {
  static constexpr std::size_t kCompared = 4;

  unsigned shift = 0;
  std::vector<std::uint32_t>
      first_arcs;                 ///< Of each cell: the first arc that does not end before it. One more.
  std::vector<ArcSet::Arc> arcs;  ///< With the last one repeated, so that four can always be read.

  Directory() = default;
  explicit Directory(const std::vector<ArcSet::Arc>& all) : arcs(all) {
    const unsigned bits = 2 + static_cast<unsigned>(std::bit_width(all.size() - 1));
    shift = 64 - bits;
    std::uint32_t arc = 0;
    for (std::uint64_t cell = 0; cell >> bits == 0; ++cell) {
      while (arc < all.size() && all[arc].last < cell << shift) ++arc;
      first_arcs.push_back(arc);
    }
    first_arcs.push_back(static_cast<std::uint32_t>(all.size()));
    arcs.insert(arcs.end(), kCompared, all.back());
  }

  /// Compared without a branch, as nobody could predict it.
  [[nodiscard]] bool contains(std::uint64_t hash, const ArcSet& all) const noexcept {
    const std::size_t cell = hash >> shift;
    const std::size_t first = first_arcs[cell];
    if (first_arcs[cell + 1] - first >= kCompared) [[unlikely]] {
      return all.contains(hash);
    }
    unsigned inside = 0;
    for (std::size_t i = first; i < first + kCompared; ++i) {
      inside |= static_cast<unsigned>(hash - arcs[i].first <= arcs[i].last - arcs[i].first);
    }
    return inside != 0;
  }
};

}  // namespace

struct ArcFilter::Table {
  ArcSet arcs;
  std::vector<std::uint64_t> words;
  Directory directory;
};

ArcFilter::ArcFilter(ArcSet arcs) {
  if (arcs.empty()) return;
  const unsigned shift = 64 - table_bits(arcs.arcs());
  auto words = fill(arcs.arcs(), shift);
  const bool always_sure = bits_of_ends(arcs.arcs()) <= kMostBits;
  Directory directory = always_sure ? Directory() : Directory(arcs.arcs());
  table_ = std::make_shared<Table>(Table{std::move(arcs), std::move(words), std::move(directory)});
  words_ = table_->words.data();
  shift_ = shift;
}

const ArcSet& ArcFilter::arcs() const noexcept {
  static const ArcSet nothing;
  return table_ ? table_->arcs : nothing;
}

bool ArcFilter::look(std::uint64_t hash) const noexcept {
  return table_->directory.contains(hash, table_->arcs);
}

ArcFilter ArcFilter::intersect(const ArcFilter& other) const {
  ArcSet both = arcs().intersect(other.arcs());
  if (both == arcs()) return *this;
  return both == other.arcs() ? other : ArcFilter(std::move(both));
}

std::size_t ArcFilter::buckets() const noexcept {
  return table_ ? table_->words.size() * kPerWord : 0;
}

std::size_t ArcFilter::unsure_buckets() const noexcept {
  if (!table_) return 0;
  std::size_t unsure = 0;
  for (const std::uint64_t word : table_->words) {
    unsure += static_cast<std::size_t>(std::popcount(word & kAllLook));
  }
  return unsure;
}

}  // namespace nodepool
