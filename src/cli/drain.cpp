#include <fmt/format.h>

#include <memory>
#include <vector>

#include "cli/command.hpp"

namespace nodepool::cli {
namespace {

struct DrainArguments {
  std::string service;
  std::string node;
};

/// The one member that is meant: by its id, or by its name if only one member has it.
Result<NodeInfo> find_member(const PoolStatus& status, const DrainArguments& arguments) {
  std::vector<NodeInfo> named;
  for (const MemberStatus& member : status.members) {
    if (member.info.id.str() == arguments.node) return member.info;
    if (member.info.name.str() == arguments.node) named.push_back(member.info);
  }
  if (named.size() == 1) return named.front();
  if (named.empty()) {
    return failure(ErrorCode::not_found,
                   fmt::format("the service \"{}\" has no node \"{}\"; \"nodepool nodes {}\" lists them",
                               arguments.service, arguments.node, arguments.service));
  }
  std::vector<std::string> ids;
  for (const NodeInfo& member : named) ids.push_back(member.id.str());
  return failure(ErrorCode::wrong_state,
                 fmt::format("{} nodes of the service \"{}\" are named \"{}\"; say which by its id: {}",
                             named.size(), arguments.service, arguments.node, fmt::join(ids, ", ")));
}

int run_drain(const DrainArguments& arguments, const Invocation& invocation) {
  const auto observer = Observer::open(invocation, arguments.service);
  if (!observer) return fail(observer.error());
  const auto status = observer->status();
  if (!status) return fail(status.error());
  const auto member = find_member(*status, arguments);
  if (!member) return fail(member.error());
  const auto asked = observer->session->request_drain(member->id, patience());
  if (!asked) return fail(asked.error());
  fmt::print("{} ({}) was asked to drain.\n", member->name.str(), member->id.str());
  return kDone;
}

}  // namespace

void add_drain(CLI::App& program, Invocation& invocation) {
  auto arguments = std::make_shared<DrainArguments>();
  CLI::App* command = program.add_subcommand("drain", "Ask a node to finish its jobs and take no new ones");
  add_store_option(*command, invocation);
  add_service_argument(*command, arguments->service);
  command->add_option("NODE", arguments->node, "The node's name or id")->required()->type_name("");
  command->footer(
      "Example:\n"
      "  nodepool drain billing web-3\n"
      "Returns as soon as the request is stored; \"nodepool nodes billing\" shows how it goes on.");
  command->callback([arguments, &invocation] {
    invocation.run = [arguments, &invocation] { return run_drain(*arguments, invocation); };
  });
}

}  // namespace nodepool::cli
