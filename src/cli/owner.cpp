#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "cli/command.hpp"
#include "nodepool/ring.hpp"

namespace nodepool::cli {
namespace {

struct OwnerArguments {
  std::string service;
  std::vector<std::string> jobs;
};

/// The ring of those who take jobs. Two members of one name share one place on it, as in the pool itself.
Result<HashRing> ring_of(const PoolStatus& status) {
  std::vector<RingNode> nodes;
  for (const MemberStatus& member : status.members) {
    const bool known = std::any_of(nodes.begin(), nodes.end(),
                                   [&](const RingNode& each) { return each.name == member.info.name.str(); });
    if (!member.info.draining && !known) nodes.push_back({member.info.name.str(), member.info.weight});
  }
  return HashRing::build(std::move(nodes), status.config.points);
}

int run_owner(const OwnerArguments& arguments, const Invocation& invocation) {
  const auto observer = Observer::open(invocation, arguments.service);
  if (!observer) return fail(observer.error());
  const auto status = observer->status();
  if (!status) return fail(status.error());
  const auto ring = ring_of(*status);
  if (!ring) return fail(ring.error());
  if (ring->nodes().empty()) {
    complain(fmt::format("the service \"{}\" has no node that takes jobs now, so no job has an owner",
                         arguments.service));
    return kFailed;
  }
  for (const std::string& job : arguments.jobs) fmt::print("{}\t{}\n", job, ring->owner(job)->name);
  return kDone;
}

}  // namespace

void add_owner(CLI::App& program, Invocation& invocation) {
  auto arguments = std::make_shared<OwnerArguments>();
  CLI::App* command = program.add_subcommand("owner", "Print which node owns each job, without joining");
  add_store_option(*command, invocation);
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
