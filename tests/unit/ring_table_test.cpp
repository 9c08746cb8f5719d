#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "ring/table.hpp"

namespace nodepool::ring {
namespace {

std::vector<RingNode> nodes_of_generation(std::size_t generation) {
  std::vector<RingNode> nodes;
  for (const char place : {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'}) nodes.push_back({std::string(1, place)});
  nodes[generation % nodes.size()].name += std::to_string(generation);
  return nodes;
}

void expect_numbers_lead_to_their_nodes(const Table& table) {
  ASSERT_EQ(table.number_of.size(), table.nodes.size());
  for (std::size_t place = 0; place < table.nodes.size(); ++place) {
    ASSERT_EQ(table.node_of.at(table.number_of[place]), &table.nodes[place]);
  }
}

/// How many hashes, of some that are spread evenly, one line can tell.
std::size_t told_by_lines(const Table& table) {
  std::size_t told = 0;
  for (std::uint64_t i = 0; i < 256; ++i) {
    told += table.look_up.owner(i << 56U) != Line::kCannotTell ? 1U : 0U;
  }
  return told;
}

TEST(RingTable, GivesTheNumberOfANodeThatLeftToTheNextThatComes) {
  const auto full = build_table({{"a"}, {"b"}, {"c"}, {"d"}, {"e"}}, 3);
  const OwnerIndex freed = full->number_of[1];
  const auto less = change_table(*full, {{"a"}, {"c"}, {"d"}, {"e"}});
  EXPECT_EQ(less->node_of.at(freed), nullptr);
  expect_numbers_lead_to_their_nodes(*less);
  const auto again = change_table(*less, {{"a"}, {"c"}, {"d"}, {"e"}, {"z"}});
  EXPECT_EQ(again->number_of[4], freed);
  expect_numbers_lead_to_their_nodes(*again);
  const auto more = change_table(*again, {{"a"}, {"b"}, {"c"}, {"d"}, {"e"}, {"z"}});
  EXPECT_EQ(more->number_of[1], 5U);
  expect_numbers_lead_to_their_nodes(*more);
}

TEST(RingTable, LetsWhoStaysKeepTheNumber) {
  const auto before = build_table({{"b"}, {"d"}, {"f"}, {"h"}, {"j"}}, 3);
  const auto after = change_table(*before, {{"a"}, {"b"}, {"d"}, {"h"}, {"j"}});
  EXPECT_EQ(after->number_of, (std::vector<OwnerIndex>{2, 0, 1, 3, 4}));
  expect_numbers_lead_to_their_nodes(*after);
}

/// More nodes come and go than a line can name, but never are there more than eight at once.
TEST(RingTable, TellsOwnersFromOneLineHoweverManyNodesHaveComeAndGone) {
  auto table = build_table(nodes_of_generation(0), 2);
  const std::size_t told = told_by_lines(*table);
  ASSERT_GT(told, 200U);
  for (std::size_t generation = 1; generation <= 66'000; ++generation) {
    table = change_table(*table, nodes_of_generation(generation));
    ASSERT_LE(table->node_of.size(), 10U) << "generation " << generation;
  }
  expect_numbers_lead_to_their_nodes(*table);
  EXPECT_GT(told_by_lines(*table), 200U);
  const auto anew = build_table(table->nodes, 2);
  for (std::uint64_t i = 0; i < 256; ++i) EXPECT_EQ(*table->owner(i << 56U), *anew->owner(i << 56U));
}

}  // namespace
}  // namespace nodepool::ring
