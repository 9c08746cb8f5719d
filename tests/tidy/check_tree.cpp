#include <algorithm>
#include <tuple>

#include "tidy/rules.hpp"

namespace nodepool::tidy {

std::vector<Finding> check_tree(const std::filesystem::path& root) {
  const std::vector<SourceFile> tree = load_tree(root);
  std::vector<Finding> findings;
  for (const SourceFile& file : tree) {
    check_layout(file, findings);
    check_functions(file, findings);
    check_tokens(file, findings);
    check_places(file, findings);
  }
  check_includes(tree, findings);
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.file, a.line) < std::tie(b.file, b.line);
  });
  return findings;
}

}  // namespace nodepool::tidy
