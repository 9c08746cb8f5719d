#include <fmt/format.h>

#include <memory>
#include <vector>

#include "cli/command.hpp"
#include "cli/joiner.hpp"

namespace nodepool::cli {
namespace {

struct JoinArguments {
  JoinSettings settings;
  unsigned job_count = 0;
};

constexpr unsigned kMostJobs = 100'000;

Result<void> check(JoinSettings& settings) {
  for (const std::string& job : settings.jobs) {
    if (auto valid = validate_job_name(job); !valid) return valid;
  }
  return settle(settings.pool);
}

/// What nodes of go-dispatch do not know, or what the list decides for them.
Result<void> check_for_go(const CLI::App& command) {
  for (const char* option :
       {"--name", "--weight", "--placement", "--heartbeat", "--lease", "--zone", "--address", "--metadata"}) {
    if (command.count(option) == 0) continue;
    return failure(ErrorCode::invalid_argument,
                   fmt::format("{} has no meaning in a pool of go-dispatch; leave it out", option));
  }
  return {};
}

/// Nodes of go-dispatch start to act after one to two periods in which nobody else came or went.
std::chrono::milliseconds patience_with(const StoreLayout& layout) {
  constexpr std::chrono::seconds kUsual{30};
  constexpr int kPeriods = 5;
  return std::max<std::chrono::milliseconds>(kUsual,
                                             kPeriods * layout.period.value_or(GoDispatchOptions{}.period));
}

int run_join(JoinArguments arguments, const Invocation& invocation, const CLI::App& command) {
  JoinSettings& settings = arguments.settings;
  if (invocation.layout.go_dispatch) {
    if (const auto valid = check_for_go(command); !valid) return fail(valid.error());
    if (settings.pool.start_timeout.count() == 0)
      settings.pool.start_timeout = patience_with(invocation.layout);
  }
  for (unsigned number = 0; number < arguments.job_count; ++number)
    settings.jobs.push_back(fmt::format("job{}", number));
  if (const auto valid = check(settings); !valid) return fail(valid.error());
  SignalWatch signals;
  auto driver = open_store(invocation, StoreUse::join);
  if (!driver) return fail(driver.error());
  Joiner joiner(std::move(settings), *std::move(driver), signals);
  return joiner.run();
}

}  // namespace

void add_join(CLI::App& program, Invocation& invocation) {
  auto arguments = std::make_shared<JoinArguments>();
  JoinSettings& settings = arguments->settings;
  CLI::App* command =
      program.add_subcommand("join", "Become a node of a pool and tell which jobs it may run");
  add_store_option(*command, invocation);
  add_driver_options(*command, invocation);
  add_service_argument(*command, settings.pool.service);
  add_list_option(*command, "--job", settings.jobs, "A job to watch; may be given often")->type_name("JOB");
  command->add_option("--jobs", arguments->job_count, "Watch job0, job1, ... so many")
      ->check(CLI::Range(0U, kMostJobs))
      ->type_name("COUNT");
  add_pool_arguments(*command, settings.pool);
  add_format_option(*command, settings.format);
  command->footer(
      "Examples:\n"
      "  nodepool join billing --jobs 3\n"
      "  nodepool join billing --name web-1 --job report --job cleanup --format json\n"
      "  NODEPOOL_STORE=redis://:secret@10.0.0.1 nodepool join billing --heartbeat 500ms --lease 2s\n"
      "  nodepool join billing --store redis://10.0.0.1 --driver go-dispatch-key --period 10s --jobs 3\n"
      "Runs until SIGTERM or Ctrl-C, then hands its jobs over and leaves; a second signal ends it at once.");
  command->callback([arguments, command, &invocation] {
    invocation.run = [arguments, command, &invocation] { return run_join(*arguments, invocation, *command); };
  });
}

}  // namespace nodepool::cli
