#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodepool/ledger.hpp"

namespace nodepool::cron {

/// A set of job names, as nodes tell each other of it: their hashes, ascending.
class JobList {
 public:
  JobList() : JobList(std::vector<std::uint64_t>()) {}  ///< Of no jobs.
  explicit JobList(std::span<const std::string> names);
  explicit JobList(std::vector<std::uint64_t> hashes);
  [[nodiscard]] bool has(std::string_view job) const noexcept;
  /// 16 hexadecimal digits by which equal lists are known as equal.
  [[nodiscard]] const std::string& digest() const noexcept { return digest_; }
  [[nodiscard]] const std::vector<std::uint64_t>& hashes() const noexcept { return hashes_; }

 private:
  std::vector<std::uint64_t> hashes_;
  std::string digest_;
};

/// Who has which list, and which jobs have been written to by others than their owners: one record of the
/// ledger that every node reads all the time, so it is small.
struct Roster {
  std::map<std::string, std::set<std::string>> lives;  ///< By digest: the first digits of the nodes' ids.
  std::vector<std::string> retired;                    ///< Digests that nobody has any more, oldest first.
  std::uint64_t serial = 0;                            ///< Of the last of `changed`.
  std::vector<std::string> changed;                    ///< The last ones, ascending by serial.
  bool operator==(const Roster&) const = default;

  /// The digest of that node's list; empty if it has told of none.
  [[nodiscard]] std::string digest_of(const NodeId& life) const;
  /// Enters the life under this digest and no other, and forgets whoever is no member. True if that is new.
  bool enter(const NodeId& life, const std::string& digest, std::span<const NodeId> members);
  /// Another one has written in the job's record.
  void note_change(const std::string& job);
  /// Those since that serial; none: too many, so it may be any.
  [[nodiscard]] std::optional<std::vector<std::string>> changed_since(std::uint64_t seen) const;
};

[[nodiscard]] std::string to_json(const Roster& roster);
/// The empty text is an empty roster. `store_corrupt` for anything that to_json does not make.
[[nodiscard]] Result<Roster> parse_roster(std::string_view text);

/// The roster and the lists in the ledger. Belongs to one thread.
class RosterBook {
 public:
  explicit RosterBook(Ledger& ledger) : ledger_(ledger) {}

  [[nodiscard]] Result<Roster> read(MonotonicTime deadline);
  /// Makes sure that the roster says so; returns it.
  [[nodiscard]] Result<Roster> enter(const NodeId& life, const JobList& list, std::span<const NodeId> members,
                                     MonotonicTime deadline);
  [[nodiscard]] Result<void> note_change(const std::string& job, MonotonicTime deadline);
  /// Lists never change under their digest. `not_found` if nobody has written it.
  [[nodiscard]] Result<JobList> list(const std::string& digest, MonotonicTime deadline);

 private:
  [[nodiscard]] Result<void> forget(const std::string& digest, MonotonicTime deadline);
  [[nodiscard]] Result<void> publish(const JobList& list, MonotonicTime deadline);
  template <class Change>
  [[nodiscard]] Result<Roster> change(Change change, MonotonicTime deadline);

  Ledger& ledger_;
  std::set<std::string> published_;
};

}  // namespace nodepool::cron
