#include <fmt/format.h>

#include <memory>
#include <vector>

#include "cli/command.hpp"
#include "cli/parts/printable.hpp"
#include "nodepool/placement.hpp"

namespace nodepool::cli {
namespace {

struct OwnerArguments {
  std::string service;
  std::vector<std::string> jobs;
};

/// By the pool's own rule.
Result<Placement> placement_of(const PoolStatus& status) {
  const auto kind = parse_placement_kind(status.config.hash);
  if (!kind) return tl::unexpected(kind.error());
  std::vector<NodeInfo> members;
  for (const MemberStatus& member : status.members) members.push_back(member.info);
  return Placement::build(*kind, places_of(members), status.config.points);
}

int run_owner(const OwnerArguments& arguments, const Invocation& invocation) {
  const auto observer = Observer::open(invocation, arguments.service);
  if (!observer) return fail(observer.error());
  const auto status = observer->status();
  if (!status) return fail(status.error());
  const auto placement = placement_of(*status);
  if (!placement) return fail(placement.error());
  if (placement->nodes().empty()) {
    complain(fmt::format("the service \"{}\" has no node that takes jobs now, so no job has an owner",
                         arguments.service));
    return kFailed;
  }
  for (const std::string& job : arguments.jobs) {
    fmt::print("{}\t{}\n", job, printable(placement->owner(job)->name));
  }
  return kDone;
}

}  // namespace

void add_owner(CLI::App& program, Invocation& invocation) {
  auto arguments = std::make_shared<OwnerArguments>();
  CLI::App* command = program.add_subcommand("owner", "Print which node owns each job, without joining");
  add_store_option(*command, invocation);
  add_driver_options(*command, invocation);
  add_service_argument(*command, arguments->service);
  command->add_option("JOB", arguments->jobs, "The jobs")->required()->type_name("");
  command->footer(
      "Example:\n"
      "  nodepool owner billing report cleanup\n"
      "prints JOB<TAB>OWNER, one line for each job.");
  command->callback([arguments, &invocation] {
    invocation.run = [arguments, &invocation] { return run_owner(*arguments, invocation); };
  });
}

}  // namespace nodepool::cli
