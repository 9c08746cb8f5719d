#include "nodepool/ring.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <vector>

#include "cli/command.hpp"

namespace nodepool::cli {
namespace {

struct RingArguments {
  std::vector<std::string> nodes;
  std::vector<std::string> keys;
  PlacementKind placement = PlacementKind::ring;
  unsigned points = 50;
};

/// "NAME" or "NAME=WEIGHT". A name may have an equals sign itself: only digits after the last one are a
/// weight.
RingNode node_of(const std::string& text) {
  const std::size_t sign = text.rfind('=');
  if (sign == std::string::npos || sign + 1 == text.size()) return {text, 1};
  unsigned weight = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + sign + 1, end, weight);
  if (error != std::errc{} || rest != end) return {text, 1};
  return {text.substr(0, sign), weight};
}

int run_ring(const RingArguments& arguments) {
  std::vector<RingNode> nodes;
  std::transform(arguments.nodes.begin(), arguments.nodes.end(), std::back_inserter(nodes), node_of);
  for (const RingNode& node : nodes) {
    if (const auto valid = validate(NodeName(node.name)); !valid) return fail(valid.error());
  }
  const auto placement = Placement::build(arguments.placement, std::move(nodes), arguments.points);
  if (!placement) return fail(placement.error());
  for (const std::string& key : arguments.keys) fmt::print("{}\t{}\n", key, placement->owner(key)->name);
  return kDone;
}

}  // namespace

void add_ring(CLI::App& program, Invocation& invocation) {
  auto arguments = std::make_shared<RingArguments>();
  CLI::App* command =
      program.add_subcommand("ring", "Print which of some nodes owns each key; needs no store");
  add_store_option(*command, invocation);
  add_list_option(*command, "--node", arguments->nodes, "A node's name; NAME=3 gives it three shares")
      ->required()
      ->type_name("NAME[=WEIGHT]");
  add_placement_option(*command, arguments->placement,
                       "Which node gets which key: ring, rendezvous or rendezvous-fine");
  command->add_option("--points", arguments->points, "Points per unit of weight on the ring, 1 to 10000")
      ->check(CLI::Range(1U, kMaxPoints))
      ->capture_default_str()
      ->type_name("COUNT");
  command->add_option("KEY", arguments->keys, "The keys")->required()->type_name("");
  command->footer(
      "Example:\n"
      "  nodepool ring --node a --node b --node c=2 job1 job2\n"
      "prints KEY<TAB>OWNER, one line for each key.");
  command->callback(
      [arguments, &invocation] { invocation.run = [arguments] { return run_ring(*arguments); }; });
}

}  // namespace nodepool::cli
