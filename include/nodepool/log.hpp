#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "nodepool/export.hpp"

namespace nodepool {

enum class LogLevel { debug, info, warning, error };

/// "debug", "info", "warning" or "error".
NODEPOOL_EXPORT std::string_view to_string(LogLevel level) noexcept;

/// A key and its value, beside the message: never spliced into it.
struct LogField {
  std::string_view key;
  std::string value;
};

/// Receives the pool's events. An empty function (the default) is silence. It is called on the pool's own
/// thread, never under a lock; it must not block. What it throws is caught and counted.
using Logger =
    std::function<void(LogLevel level, std::string_view message, std::span<const LogField> fields)>;

}  // namespace nodepool
