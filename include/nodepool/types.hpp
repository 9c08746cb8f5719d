#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "nodepool/export.hpp"
#include "nodepool/result.hpp"

namespace nodepool {

/// A string that cannot be confused with another kind of string. Immutable value; ordered bytewise.
template <class Tag>
class StrongString {
 public:
  StrongString() = default;
  explicit StrongString(std::string value) : value_(std::move(value)) {}
  explicit StrongString(std::string_view value) : value_(value) {}
  explicit StrongString(const char* value) : value_(value) {}

  [[nodiscard]] const std::string& str() const noexcept { return value_; }
  [[nodiscard]] bool empty() const noexcept { return value_.empty(); }
  auto operator<=>(const StrongString&) const = default;

 private:
  std::string value_;
};

/// One life of a node: 32 hexadecimal digits, random, new at every `NodePool::start`.
using NodeId = StrongString<struct NodeIdTag>;
/// What a node is called by people and hashed by on the ring. It may be the same over restarts: then the node
/// gets the same jobs back.
using NodeName = StrongString<struct NodeNameTag>;
/// The pool's name: all nodes with the same service name in the same store form one pool.
using ServiceName = StrongString<struct ServiceNameTag>;

/// Number of a membership view. Grows with every change of the pool, also over a total loss of the store's
/// data.
struct Epoch {
  std::uint64_t value = 0;
  auto operator<=>(const Epoch&) const = default;
};

/// Attached to every claim and to what a job writes: a resource that refuses a smaller token than the
/// greatest it has seen is safe even from a job that outlives its lease. A later owner's token is always
/// greater.
struct FencingToken {
  std::uint64_t value = 0;
  auto operator<=>(const FencingToken&) const = default;
};

/// CLOCK_BOOTTIME: goes on while the machine is suspended, is never stepped. Leases are counted on it.
struct NODEPOOL_EXPORT BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  /// One clock read; about 25 ns. Thread-safe.
  static time_point now() noexcept;
};

/// An instant of this machine's boot-time clock; never comparable with another machine's.
using MonotonicTime = BootClock::time_point;
/// An instant of the civil clock; used for schedules and for people, never for leases.
using WallTime = std::chrono::system_clock::time_point;

/// Longest names accepted, in bytes.
inline constexpr std::size_t kMaxServiceName = 128;
inline constexpr std::size_t kMaxNodeName = 200;
inline constexpr std::size_t kMaxJobName = 512;

/// Checks a service name: 1 to 128 of A-Z a-z 0-9 . _ : / -
/// The error names the first offending byte. Linear in the length; thread-safe.
NODEPOOL_EXPORT Result<void> validate(const ServiceName& name);
/// Checks a node name: 1 to 200 bytes of printable ASCII without space, or UTF-8 beyond ASCII.
NODEPOOL_EXPORT Result<void> validate(const NodeName& name);
/// Checks the name of a job that is to be claimed: 1 to 512 bytes, no control characters.
/// (`is_eligible` answers for any bytes.)
NODEPOOL_EXPORT Result<void> validate_job_name(std::string_view job);

}  // namespace nodepool

template <class Tag>
struct std::hash<nodepool::StrongString<Tag>> {
  std::size_t operator()(const nodepool::StrongString<Tag>& name) const noexcept {
    return std::hash<std::string>{}(name.str());
  }
};
