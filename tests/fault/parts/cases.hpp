#pragma once

#include <string>
#include <vector>

#include "fault/parts/trial.hpp"

/// The faults that are brought about one by one. Each is a trial on a pool and a server of its own.

namespace nodepool::fault {

struct Case {
  std::string name;   ///< As a test is named: "RepliesOfOneNodeAreLost".
  std::string words;  ///< For the table.
  void (*run)(Trial& trial);
  Trial::Settings settings = {};
};

[[nodiscard]] std::vector<Case> network_cases();
[[nodiscard]] std::vector<Case> server_cases();
[[nodiscard]] std::vector<Case> clock_cases();
/// All of them.
[[nodiscard]] std::vector<Case> all_cases();

/// Runs one from beginning to end. Trouble on the way is told as a violation.
[[nodiscard]] Figures run_case(const Case& one);

/// The table's head and a line of it, in Markdown.
[[nodiscard]] std::string table_head();
[[nodiscard]] std::string table_line(const Case& one, const Figures& figures);

}  // namespace nodepool::fault
