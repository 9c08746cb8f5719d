#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/export.hpp"
#include "nodepool/ring.hpp"

namespace nodepool {

/// A set of known jobs, kept in the order of their hashes, so that "which of these are mine?" needs no
/// question per job: the hashes of a node are a few arcs, and the jobs of an arc lie side by side.
///
/// A value; const member functions are thread-safe. Indices are 0 .. size()-1, ascending by (hash, name);
/// they hold until the next `insert` or `erase`.
///
///     const JobSet jobs({"report", "invoice", "mail"});
///     for (std::size_t job : jobs.in(ring.arcs_of("node-a"))) {
///       run(jobs.name(job));
///     }
class NODEPOOL_EXPORT JobSet {
 public:
  /// The jobs `first` to `last - 1`.
  struct Range {
    std::size_t first = 0;
    std::size_t last = 0;
    bool operator==(const Range&) const = default;
  };

  JobSet() = default;
  /// A name that is there twice counts once. Expected time linear in the names; O(J log J) at worst.
  explicit JobSet(std::vector<std::string> names);

  /// Adds a job. False if it is there already. O(J).
  bool insert(std::string name);
  /// Takes a job out. False if it is not there. O(J).
  bool erase(std::string_view name);
  [[nodiscard]] bool contains(std::string_view name) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }
  [[nodiscard]] bool empty() const noexcept { return names_.empty(); }
  /// REQUIRES: `job` < size(). A reference into this set, until it is changed.
  [[nodiscard]] const std::string& name(std::size_t job) const& noexcept { return names_[job]; }
  /// `hash_key` of the name. REQUIRES: `job` < size().
  [[nodiscard]] std::uint64_t hash(std::size_t job) const noexcept { return hashes_[job]; }

  /// The jobs whose hashes are in `arcs`, ascending: one range for each arc that has any.
  /// Expected O(arcs), O(arcs * log J) at worst: it does not matter how many jobs there are.
  [[nodiscard]] std::vector<Range> ranges_in(const ArcSet& arcs) const;
  /// The same, one by one. O(arcs * log J + result).
  [[nodiscard]] std::vector<std::size_t> in(const ArcSet& arcs) const;

  bool operator==(const JobSet&) const = default;

 private:
  [[nodiscard]] std::size_t place_of(std::uint64_t hash, std::string_view name) const noexcept;

  std::vector<std::uint64_t> hashes_;  ///< Ascending.
  std::vector<std::string> names_;     ///< Of each hash; ascending where hashes are equal.
};

}  // namespace nodepool
