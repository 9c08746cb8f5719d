#include <fmt/format.h>

#include <memory>
#include <optional>

#include "cli/command.hpp"
#include "cli/parts/duration.hpp"
#include "cli/parts/once_record.hpp"
#include "cli/runner.hpp"

namespace nodepool::cli {
namespace {

struct RunArguments {
  RunSettings settings;
  std::vector<std::string> words;
  std::optional<std::chrono::milliseconds> grace;
  bool no_wait = false;
  bool restart = false;  ///< --restart was given.
  bool shell = false;
};

/// The exit code: of our own failures it is one that commands seldom have.
int fail_to_run(const Error& error) {
  return fail(error) == kUsage ? kUsage : kRunFailed;
}

Result<void> complete(RunArguments& arguments) {
  if (auto valid = validate_job_name(arguments.settings.job); !valid) return valid;
  if (auto settled = settle(arguments.settings.pool); !settled) return settled;
  RunRules& rules = arguments.settings.rules;
  const PoolOptions& options = arguments.settings.pool.options;
  const auto grace = lease_grace(options, arguments.grace);
  if (!grace) return tl::unexpected(grace.error());
  rules.lease_grace = *grace;
  rules.stop_grace = options.drain_grace;
  if (rules.restart_delay_most < rules.restart_delay) {
    return failure(ErrorCode::invalid_argument, "--restart-delay-max is shorter than --restart-delay");
  }
  if (arguments.no_wait && rules.wait) {
    return failure(ErrorCode::invalid_argument, "--no-wait and --wait exclude each other; give one of them");
  }
  if (arguments.no_wait) rules.wait = std::chrono::milliseconds(0);
  if (rules.once && arguments.settings.job.size() > kMaxOnceJob) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("with --mode once a job's name has at most {} bytes", kMaxOnceJob));
  }
  if (rules.once && !arguments.restart) rules.restart = RestartRule::on_failure;
  if (rules.once && rules.restart == RestartRule::always) {
    return failure(
        ErrorCode::invalid_argument,
        "--restart always does not go with --mode once; leave it out, or write on-failure or never");
  }
  if (!arguments.shell) return {};
  if (arguments.words.size() != 1) {
    return failure(ErrorCode::invalid_argument,
                   "--shell takes the command as one argument; put it into quotes");
  }
  arguments.words = {"/bin/sh", "-c", arguments.words.front()};
  return {};
}

int run_command(RunArguments arguments, const Invocation& invocation) {
  if (const auto completed = complete(arguments); !completed) return fail_to_run(completed.error());
  SignalInbox signals;
  auto process = JobProcess::make({std::move(arguments.words), signals.mask_before()});
  if (!process) return fail_to_run(process.error());
  auto driver = open_store(invocation, StoreUse::join);
  if (!driver) return fail_to_run(driver.error());
  if (arguments.settings.rules.once &&
      !(*driver)->open_ledger(ServiceName(arguments.settings.pool.service))) {
    return fail_to_run({ErrorCode::unsupported,
                        fmt::format("{} keeps no records of jobs, so --mode once cannot be used on it",
                                    (*driver)->describe())});
  }
  Runner runner(std::move(arguments.settings), *driver, signals, *process);
  return runner.run();
}

void add_mode_option(CLI::App& command, RunRules& rules) {
  command
      .add_option_function<std::string>(
          "--mode",
          [&rules](const std::string& text) {
            if (text != "service" && text != "once") {
              throw CLI::ValidationError("--mode",
                                         fmt::format("\"{}\" is no mode; write service or once", text));
            }
            rules.once = text == "once";
          },
          "service: keep one instance running. once: run it until it has succeeded on one node, which is "
          "written down under the job's name; then all exit with 0, and so does whoever comes later")
      ->type_name("MODE")
      ->default_str("service");
}

void add_restart_options(CLI::App& command, RunArguments& arguments) {
  RunRules& rules = arguments.settings.rules;
  command
      .add_option_function<std::string>(
          "--restart",
          [&rules, &given = arguments.restart](const std::string& text) {
            given = true;
            if (text != "always" && text != "on-failure" && text != "never") {
              throw CLI::ValidationError(
                  "--restart", fmt::format("\"{}\" is no rule; write always, on-failure or never", text));
            }
            rules.restart = text == "always"       ? RestartRule::always
                            : text == "on-failure" ? RestartRule::on_failure
                                                   : RestartRule::never;
          },
          "When the command ends here: start it again always, on-failure, or never and exit with its code")
      ->type_name("RULE")
      ->default_str("always");
  add_duration_option(command, "--restart-delay", rules.restart_delay,
                      "Before the first restart; doubles with each one, half of it by chance");
  add_duration_option(command, "--restart-delay-max", rules.restart_delay_most,
                      "The longest; a command that ran for so long begins with the first delay again");
}

void add_run_options(CLI::App& command, RunArguments& arguments) {
  RunRules& rules = arguments.settings.rules;
  command.add_flag("--no-wait", arguments.no_wait, "Exit with 122 whenever the job is another node's");
  add_duration_option(command, "--wait", rules.wait,
                      "Exit with 122 after so long without the job; default: wait for ever");
  add_duration_option(
      command, "--grace", arguments.grace,
      "Between TERM and KILL when the lease ends; must fit into it; default: half of what fits. When the "
      "job moves, or this node leaves: --drain-grace");
  add_duration_option(command, "--timeout", rules.timeout,
                      "The longest run: then TERM, after --drain-grace KILL, and code 124; 0ms: no limit");
  add_mode_option(command, rules);
  add_restart_options(command, arguments);
  command.add_flag("--shell", arguments.shell, "The command is one argument, for /bin/sh -c");
  add_log_format_option(command, arguments.settings.log_format);
}

}  // namespace

void add_run(CLI::App& program, Invocation& invocation) {
  auto arguments = std::make_shared<RunArguments>();
  RunSettings& settings = arguments->settings;
  CLI::App* command =
      program.add_subcommand("run", "Run a command on exactly one of the nodes that were given it");
  add_store_option(*command, invocation);
  add_service_argument(*command, settings.pool.service);
  command->add_option("--job", settings.job, "The job's name; the same on all nodes")
      ->required()
      ->type_name("JOB");
  add_run_options(*command, *arguments);
  add_pool_arguments(*command, settings.pool);
  command->add_option("COMMAND", arguments->words, "After --: the command and its arguments")
      ->required()
      ->type_name("");
  command->footer(
      "Examples:\n"
      "  nodepool run billing --job importer -- /usr/bin/importer --verbose\n"
      "  nodepool run billing --job watch --timeout 1h --shell -- 'tail -F /var/log/billing | ./watch'\n"
      "Exit codes: the command's, or 128 + its signal; 122 not the owner, 123 lease lost, 124 timed out,\n"
      "125 nodepool failed, 126 and 127 the command cannot be executed, 2 wrong usage (docs/run.md).");
  command->callback([arguments, &invocation] {
    invocation.run = [arguments, &invocation] { return run_command(*arguments, invocation); };
  });
}

}  // namespace nodepool::cli
