#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace nodepool::tidy {

/// A violation of a rule. Lines count from 1.
struct Finding {
  std::string file;
  std::size_t line = 0;
  std::string rule;
  std::string message;
};

/// A text file of the tree, as the rules see it.
struct SourceFile {
  std::string path;                ///< Relative to the root, with '/' between folders.
  std::vector<std::string> lines;  ///< As written.
  /// The same lines of C++ with comments and the contents of literals blanked; empty for other languages.
  std::vector<std::string> code;

  [[nodiscard]] bool is_header() const;
  [[nodiscard]] bool is_cxx() const;
  /// True if the path starts with `folder`, which ends in '/'.
  [[nodiscard]] bool is_in(std::string_view folder) const;
  [[nodiscard]] Finding finding(std::size_t line_index, std::string rule, std::string message) const;
};

/// Splits `text` into lines and makes `code`.
SourceFile parse_source(std::string path, const std::string& text);

/// All text files below `root`, ascending by path. Version control, build trees and files with a NUL are left
/// out.
std::vector<SourceFile> load_tree(const std::filesystem::path& root);

/// Is `token` in `line` as a word of its own? A token that ends in '(' or ':' needs no boundary behind it.
bool has_word(std::string_view line, std::string_view token);

}  // namespace nodepool::tidy
