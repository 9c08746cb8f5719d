#include <exception>
#include <iostream>

#include "tidy/rules.hpp"

/// style_check <root>: prints `file:line: rule: message` for each finding. 0: none; 1: some; 2: could not
/// look.
int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: style_check <root of the repository>\n";
    return 2;
  }
  try {
    const auto tree_findings = nodepool::tidy::check_tree(arguments[1]);
    for (const auto& finding : tree_findings) {
      std::cout << finding.file << ':' << finding.line << ": " << finding.rule << ": " << finding.message
                << '\n';
    }
    std::cout << tree_findings.size() << " findings\n";
    return tree_findings.empty() ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "style_check: " << error.what() << '\n';
    return 2;
  }
}
