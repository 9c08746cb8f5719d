#pragma once

#include <vector>

#include "tidy/source_file.hpp"

/// The rules of docs/style.md and docs/design.md that a program can check. Each appends what it finds.
namespace nodepool::tidy {

/// line-length, file-length, tab, trailing-blank, unfinished; for what we write in src, include, tests,
/// examples.
void check_layout(const SourceFile& file, std::vector<Finding>& findings);
/// function-length: no body of a function has more than 70 lines.
void check_functions(const SourceFile& file, std::vector<Finding>& findings);
/// pragma-once, default-label, pure-token (law 2), print-or-exit.
void check_tokens(const SourceFile& file, std::vector<Finding>& findings);
/// include-floor (law 1), public-include, own-header-first, and hiredis-once for the tree as a whole.
void check_includes(const std::vector<SourceFile>& tree, std::vector<Finding>& findings);
/// private-place: nothing in the repository says where or by what it was made.
void check_places(const SourceFile& file, std::vector<Finding>& findings);

/// All rules on all files below `root`, ascending by file and line.
std::vector<Finding> check_tree(const std::filesystem::path& root);

}  // namespace nodepool::tidy
