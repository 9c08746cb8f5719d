#pragma once

#include <string_view>

#include "nodepool/export.hpp"

namespace nodepool {

/// Whether the bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates). Linear; pure.
NODEPOOL_EXPORT bool is_utf8(std::string_view text) noexcept;

}  // namespace nodepool
