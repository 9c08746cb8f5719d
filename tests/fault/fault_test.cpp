// Each fault on real processes, a real server and a network that can be cut. The same trials print the table
// of docs/reliability.md (fault_matrix).

#include <gtest/gtest.h>

#include <iostream>
#include <ostream>

#include "fault/parts/cases.hpp"

namespace nodepool::fault {

/// What GoogleTest calls to show a parameter.
static void PrintTo(const Case& one, std::ostream* stream) {
  *stream << one.name;
}

}  // namespace nodepool::fault

namespace {

using namespace nodepool::fault;

class Fault : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Breaks, Fault, testing::ValuesIn(all_cases()),
                         [](const auto& each) { return each.param.name; });

TEST_P(Fault, NoPromise) {
  const Figures figures = run_case(GetParam());
  std::cout << table_head() << table_line(GetParam(), figures);
  for (const Violation& violation : figures.violations) {
    ADD_FAILURE() << violation.promise << ": " << violation.what;
  }
}

}  // namespace
