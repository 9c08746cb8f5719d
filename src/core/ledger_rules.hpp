#pragma once

#include <cstdint>
#include <string_view>

#include "nodepool/ledger.hpp"

/// The rules of a ledger that all stores share. Pure.

namespace nodepool {

/// Under this name, which no job can have, a store keeps the greatest version that it has erased.
inline constexpr std::string_view kErasedVersions;

/// Whether the names may be used for a record.
[[nodiscard]] NODEPOOL_EXPORT Result<void> validate_record(const ServiceName& service, std::string_view job);
/// The same for a step, with its texts and numbers.
[[nodiscard]] NODEPOOL_EXPORT Result<void> validate_update(const ServiceName& service,
                                                           const LedgerUpdate& update);

/// The version of a new record. `last` is the greatest that it must exceed: the one that it replaces, else
/// the greatest erased one. By the civil time it also exceeds those that the store has forgotten.
[[nodiscard]] NODEPOOL_EXPORT std::uint64_t next_version(std::uint64_t last, WallTime now) noexcept;

}  // namespace nodepool
