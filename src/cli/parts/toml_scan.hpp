#pragma once

#include <string_view>

#include "cli/parts/file_fault.hpp"

namespace nodepool::cli {

/// Looks over a text before the TOML library reads it, and refuses what the library would not survive: it
/// takes a character beyond ASCII outside of quotes for impossible, and ends tables within tables by
/// recursion, one for each dot of a key. Adds one fault at most. What comes behind the first error that the
/// library finds itself is not looked at by either.
void scan_toml(std::string_view text, FaultList& faults);

}  // namespace nodepool::cli
