#pragma once

#include <string>
#include <string_view>

#include "nodepool/driver.hpp"

namespace nodepool::cli {

/// What a member is doing, as far as the store can tell: "steady", "upgrading", "draining", or "lost" if its
/// lease has run out and nobody has noticed yet.
[[nodiscard]] std::string_view state_of(const MemberStatus& member, const PoolStatus& status) noexcept;

/// The pool for people: a heading line and an aligned table. Of a store that knows no acknowledgements, a
/// member is no more than "listed".
[[nodiscard]] std::string pool_text(const std::string& service, const PoolStatus& status,
                                    const Capabilities& store = {});
/// The pool for programs: one line of JSON, without the line's end; what the store cannot know is null.
[[nodiscard]] std::string pool_json(const std::string& service, const PoolStatus& status,
                                    const Capabilities& store = {});

}  // namespace nodepool::cli
