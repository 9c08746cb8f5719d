#include "fault/parts/cases.hpp"

#include <fmt/format.h>

namespace nodepool::fault {
namespace {

std::string number(const std::optional<double>& milliseconds) {
  return milliseconds ? fmt::format("{:.0f}", *milliseconds) : "-";
}

}  // namespace

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto& some : {network_cases(), server_cases(), clock_cases()}) {
    cases.insert(cases.end(), some.begin(), some.end());
  }
  return cases;
}

Figures run_case(const Case& one) {
  try {
    Trial trial(one.settings);
    one.run(trial);
    return trial.judge();
  } catch (const std::exception& trouble) {
    Figures figures;
    figures.violations.push_back({"recovery", trouble.what()});
    return figures;
  }
}

std::string table_head() {
  return "| fault | two owners | unmoved jobs paused ms | moved jobs paused ms | lost their lease | "
         "recovered after ms (allowed) |\n|---|---|---|---|---|---|\n";
}

std::string table_line(const Case& one, const Figures& figures) {
  const std::string fenced =
      figures.fenced.empty() ? "none" : fmt::format("{}", fmt::join(figures.fenced, " "));
  const std::string allowed = figures.allowed ? fmt::format(" ({})", figures.allowed->count()) : "";
  return fmt::format("| {} | {} | {} | {} | {} | {}{} |\n", one.words, figures.overlaps,
                     number(figures.unmoved_ms), number(figures.moved_ms), fenced,
                     number(figures.recovery_ms), allowed);
}

}  // namespace nodepool::fault
