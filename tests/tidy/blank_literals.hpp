#pragma once

#include <string>

namespace nodepool::tidy {

/// C++ text with each byte of a comment, and of what is inside a string or character literal, replaced by a
/// space. Line ends stay, and the names in #include lines too: so places keep their line and column.
std::string blank_literals(const std::string& text);

}  // namespace nodepool::tidy
