#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nodepool/export.hpp"
#include "nodepool/result.hpp"

namespace nodepool {

namespace ring {
struct Table;
}

/// XXH64 with seed 0 of the bytes of `key` (Yann Collet's xxHash; equal to Go's cespare/xxhash Sum64).
/// Linear in the length; below 32 bytes, all lengths take about the same time. Thread-safe.
NODEPOOL_EXPORT std::uint64_t hash_key(std::string_view key) noexcept;

/// `hash_key` of many keys: `hashes[i]` becomes that of `keys[i]`. REQUIRES: both of one size. Thread-safe;
/// no allocation.
NODEPOOL_EXPORT void hash_keys(std::span<const std::string_view> keys,
                               std::span<std::uint64_t> hashes) noexcept;

inline constexpr unsigned kMaxWeight = 100;
inline constexpr unsigned kMaxPoints = 10'000;

/// A node as the ring sees it.
struct RingNode {
  std::string name;
  /// 1 to 100: the node gets `points * weight` points, so about `weight` shares of the keys.
  unsigned weight = 1;
  auto operator<=>(const RingNode&) const = default;
};

/// A set of hashes, as disjoint closed intervals in ascending order. Immutable value.
/// `contains` is O(log intervals); `intersect` is linear in both.
class NODEPOOL_EXPORT ArcSet {
 public:
  struct Arc {
    std::uint64_t first = 0;  ///< The smallest hash in it.
    std::uint64_t last = 0;   ///< The greatest hash in it; never smaller than `first`.
    auto operator<=>(const Arc&) const = default;
  };

  ArcSet() = default;
  /// REQUIRES: ascending, disjoint. Adjacent arcs are joined.
  explicit ArcSet(std::vector<Arc> arcs);

  [[nodiscard]] bool contains(std::uint64_t hash) const noexcept;
  [[nodiscard]] ArcSet intersect(const ArcSet& other) const;
  [[nodiscard]] bool empty() const noexcept { return arcs_.empty(); }
  [[nodiscard]] const std::vector<Arc>& arcs() const& noexcept { return arcs_; }
  /// Of a temporary, by value: a loop over it must not dangle.
  [[nodiscard]] std::vector<Arc> arcs() && noexcept { return std::move(arcs_); }
  bool operator==(const ArcSet&) const = default;

 private:
  std::vector<Arc> arcs_;
};

/// A consistent-hash ring (Karger et al. 1997), equal point by point to go-dispatch's.
///
/// Point i of a node is XXH64(name + decimal(i)) for i in 0 .. points*weight-1; the owner of a key is the
/// node of the first point >= XXH64(key), wrapping to the first. Where two nodes have the same point
/// ("worker-1"+"10" and "worker-11"+"0"), the node whose name is smaller bytewise owns it, whatever the order
/// of insertion.
///
/// An immutable value: copies are cheap (they share), every member function is thread-safe.
///
///     auto ring = HashRing::build({{"a"}, {"b"}, {"c"}}, 50).value();
///     std::string_view who = ring.owner("job1")->name;
class NODEPOOL_EXPORT HashRing {
 public:
  /// An empty ring: it owns nothing.
  HashRing();

  /// Builds a ring. Errors: a name that is empty or there twice, a weight not in 1..100, points not
  /// in 1..10000. Expected O(P + N log N) for P points of N nodes, as hashes are uniform; O(P log P) for
  /// names chosen to defeat that.
  [[nodiscard]] static Result<HashRing> build(std::vector<RingNode> nodes, unsigned points);
  /// The ring with one more node. Errors and complexity as `changed_to`.
  [[nodiscard]] Result<HashRing> with(RingNode node) const;
  /// The ring without the node; unchanged if it has none of this name.
  [[nodiscard]] HashRing without(std::string_view name) const;
  /// The ring of exactly these nodes, with this ring's points: equal to `build(nodes, points())`, whatever is
  /// different. Errors as `build`. Where few nodes differ, this ring is copied with the differences: O(P),
  /// nearly all of it plain copying, and O(1) expected for each point that comes or goes. Where half of the
  /// points differ, it is built.
  [[nodiscard]] Result<HashRing> changed_to(std::vector<RingNode> nodes) const;

  /// The owner of a key, or nullptr if the ring is empty. The pointer lives as long as this ring or a copy of
  /// it. Expected O(1), of which one cache line is read; O(log P) at worst. No allocation.
  [[nodiscard]] const RingNode* owner(std::string_view key) const noexcept;
  /// The same for a key whose `hash_key` is known.
  [[nodiscard]] const RingNode* owner_of_hash(std::uint64_t hash) const noexcept;
  /// The owners of many keys whose hashes are known: `owners[i]` becomes `owner_of_hash(hashes[i])`. Looks
  /// ahead, so that several look-ups wait for memory together: worth it on rings that outgrow the cache.
  /// REQUIRES: both of one size. No allocation.
  void owner_batch(std::span<const std::uint64_t> hashes, std::span<const RingNode*> owners) const noexcept;
  /// The first `count` distinct nodes met clockwise from the key: the owner and its successors. Fewer if the
  /// ring has fewer nodes.
  [[nodiscard]] std::vector<const RingNode*> owners(std::string_view key, std::size_t count) const;
  /// All hashes that this node owns. Empty for an unknown name. Expected O(p) for the p points of this node,
  /// however many others there are.
  [[nodiscard]] ArcSet arcs_of(std::string_view name) const;

  /// The nodes, ascending by name.
  [[nodiscard]] const std::vector<RingNode>& nodes() const noexcept;
  /// Points per unit of weight, as given to `build`.
  [[nodiscard]] unsigned points() const noexcept;
  /// The distinct points, ascending (for comparison with other implementations).
  [[nodiscard]] const std::vector<std::uint64_t>& point_hashes() const noexcept;

 private:
  explicit HashRing(std::shared_ptr<const ring::Table> table);
  [[nodiscard]] const ring::Table& table() const noexcept;

  std::shared_ptr<const ring::Table> table_;  ///< None in a ring that is empty from the start or moved from.
};

}  // namespace nodepool
