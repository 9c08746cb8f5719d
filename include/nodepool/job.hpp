#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "nodepool/export.hpp"
#include "nodepool/ring.hpp"

namespace nodepool {

/// A job's name with its hash, for jobs that are asked about again and again: hashing the name is about a
/// third of a decision.
///
/// An immutable value, usable with any pool; ordered by its name. Any bytes are a name that can be asked
/// about; `try_claim` refuses those that cannot be claimed. Of an object that was moved from, only
/// destruction and assignment are allowed. Thread-safe as a const std::string is.
///
///     const nodepool::Job report("report");
///     while (running) {
///       if (pool.is_eligible(report)) write_report();
///     }
class Job {
 public:
  /// Linear in the length.
  explicit Job(std::string name) : name_(std::move(name)), hash_(hash_key(name_)) {}

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// `hash_key` of the name.
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

  bool operator==(const Job& other) const noexcept { return name_ == other.name_; }
  auto operator<=>(const Job& other) const noexcept { return name_ <=> other.name_; }

 private:
  std::string name_;
  std::uint64_t hash_;
};

}  // namespace nodepool

template <>
struct std::hash<nodepool::Job> {
  std::size_t operator()(const nodepool::Job& job) const noexcept {
    return static_cast<std::size_t>(job.hash());
  }
};
