#pragma once

#include <memory>
#include <string>

#include "nodepool/ledger.hpp"

namespace nodepool::cli {

/// What the fleet knows of a job that is to succeed once.
struct OnceState {
  bool succeeded = false;
  std::uint64_t attempts = 0;  ///< Begun so far.
  std::string node;            ///< Of the last one.
  WallTime at;                 ///< When it was begun, or has succeeded.
};

/// Longest name of such a job, in bytes: its record's name is a little longer.
inline constexpr std::size_t kMaxOnceJob = 480;

/// That record in the ledger. Belongs to one thread; each call returns within a second. Errors are the
/// ledger's.
class OnceRecord {
 public:
  OnceRecord(std::unique_ptr<Ledger> ledger, const std::string& job);

  [[nodiscard]] Result<OnceState> read();
  /// Counts one more attempt, unless it has succeeded; returns what is written then.
  [[nodiscard]] Result<OnceState> begin(const std::string& node);
  [[nodiscard]] Result<OnceState> succeed(const std::string& node);

 private:
  template <class Change>
  [[nodiscard]] Result<OnceState> change(Change change);

  std::unique_ptr<Ledger> ledger_;
  const std::string name_;
};

}  // namespace nodepool::cli
