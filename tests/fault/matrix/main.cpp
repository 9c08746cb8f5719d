// fault_matrix [--only TEXT] [--parallel N]: brings about each fault (or those with TEXT in their name) and
// prints the table of docs/reliability.md. Exits with 1 if a promise was broken.

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>

#include "fault/parts/cases.hpp"

namespace {

using namespace nodepool::fault;

std::string option(int argc, char** argv, const std::string& name, const std::string& otherwise) {
  for (int index = 1; index + 1 < argc; ++index) {
    if (argv[index] == name) return argv[index + 1];
  }
  return otherwise;
}

std::vector<Figures> run_all(const std::vector<Case>& cases, std::size_t parallel) {
  std::vector<Figures> figures(cases.size());
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> threads;
  for (std::size_t count = 0; count < parallel; ++count) {
    threads.emplace_back([&] {
      for (std::size_t index = next++; index < cases.size(); index = next++) {
        figures[index] = run_case(cases[index]);
        fmt::print(stderr, "{}: {}\n", cases[index].name,
                   figures[index].violations.empty() ? "ok" : "BROKEN");
      }
    });
  }
  threads.clear();
  return figures;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string only = option(argc, argv, "--only", "");
  const std::string parallel = option(argc, argv, "--parallel", "2");
  std::vector<Case> cases = all_cases();
  std::erase_if(cases, [&](const Case& one) { return one.name.find(only) == std::string::npos; });
  const auto figures = run_all(cases, std::max(1UL, std::strtoul(parallel.c_str(), nullptr, 10)));
  bool broken = false;
  fmt::print("{}", table_head());
  for (std::size_t index = 0; index < cases.size(); ++index) {
    fmt::print("{}", table_line(cases[index], figures[index]));
  }
  for (std::size_t index = 0; index < cases.size(); ++index) {
    for (const Violation& violation : figures[index].violations) {
      fmt::print("{}: {}: {}\n", cases[index].name, violation.promise, violation.what);
      broken = true;
    }
  }
  return broken ? EXIT_FAILURE : EXIT_SUCCESS;
}
