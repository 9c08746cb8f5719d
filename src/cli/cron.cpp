#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/command.hpp"
#include "cli/cron_daemon.hpp"
#include "cli/parts/cron_preview.hpp"
#include "cli/parts/cron_source.hpp"
#include "cli/parts/job_rules.hpp"
#include "cli/parts/output.hpp"

namespace nodepool::cli {
namespace {

constexpr std::size_t kMostFirings = 10'000;

struct CronArguments {
  CronSettings daemon;
  std::optional<std::chrono::milliseconds> lease_grace;
  Format format = Format::text;
  bool check = false;
  std::size_t next = 0;  ///< 0: not asked for.
  std::optional<WallTime> after;
};

int show_text(const std::string& text, int code) {
  if (write_all(STDOUT_FILENO, text)) return code;
  complain("the output could not be written");
  return kFailed;
}

int show_faults(const CronArguments& arguments, const std::string& title, const CronFileResult& read) {
  if (arguments.format == Format::json) return show_text(check_json(title, read), kUsage);
  std::string lines;
  for (const FileFault& fault : read.error()) lines += to_text(fault, title) + '\n';
  // Faults that nobody can be told are no further trouble.
  [[maybe_unused]] const bool told = write_all(STDERR_FILENO, lines);
  return kUsage;
}

int show_firings(const CronArguments& arguments, const CronFile& file) {
  const WallTime after = arguments.after.value_or(std::chrono::system_clock::now());
  return show_text(arguments.format == Format::json ? preview_json(file, after, arguments.next)
                                                    : preview_text(file, after, arguments.next),
                   kDone);
}

/// The nursery of the commands is made before the driver, and before any thread.
int run_daemon(CronArguments arguments, const CronFile& file, const Invocation& invocation) {
  CronSettings& settings = arguments.daemon;
  if (const auto settled = settle(settings.pool); !settled) return fail(settled.error());
  const auto grace = lease_grace(settings.pool.options, arguments.lease_grace);
  if (!grace) return fail(grace.error());
  settings.lease_grace = *grace;
  settings.pool.options.logger = line_logger("pool", settings.log_format);
  SignalInbox signals;
  auto nursery = Nursery::make(signals.mask_before());
  if (!nursery) return fail(nursery.error());
  auto driver = open_store(invocation, StoreUse::join);
  if (!driver) return fail(driver.error());
  CronDaemon daemon(std::move(settings), *driver, signals, *nursery);
  return daemon.run(file);
}

int run_cron(const CronArguments& arguments, const Invocation& invocation) {
  const CronInput& input = arguments.daemon.input;
  const CronFormat format = input.format.value_or(cron_format_of(input.path));
  if (input.options.system && format == CronFormat::toml) {
    return fail(
        {ErrorCode::invalid_argument, "--system is for crontabs; in TOML each job may have a key user"});
  }
  const auto text = read_cron_text(input.path);
  if (!text) return fail(text.error());
  const std::string title = cron_file_title(input.path);
  auto read = parse_cron_file(*text, format, input.options);
  if (!read) return show_faults(arguments, title, read);
  if (arguments.next > 0) return show_firings(arguments, *read);
  if (!arguments.check) return run_daemon(arguments, *read, invocation);
  return show_text(arguments.format == Format::json ? check_json(title, read) : check_text(title, *read),
                   kDone);
}

void add_file_options(CLI::App& command, CronInput& input) {
  command
      .add_option_function<std::string>(
          "--syntax",
          [&input](const std::string& text) {
            if (text != "crontab" && text != "toml") {
              throw CLI::ValidationError("--syntax",
                                         fmt::format("\"{}\" is no syntax; write crontab or toml", text));
            }
            input.format = text == "toml" ? CronFormat::toml : CronFormat::crontab;
          },
          "What the file is written in: crontab or toml; default: toml if its name ends with .toml")
      ->type_name("SYNTAX");
  command.add_flag("--system", input.options.system,
                   "The crontab has a user between schedule and command, as /etc/crontab has");
  command
      .add_option("--time-zone", input.options.time_zone,
                  "Of schedules for which the file names none; the same on all machines")
      ->check([](const std::string& text) {
        const auto valid = validate_time_zone(text);
        return valid ? std::string{} : valid.error().message;
      })
      ->capture_default_str()
      ->type_name("ZONE");
}

void add_look_options(CLI::App& command, CronArguments& arguments) {
  CLI::Option* check =
      command.add_flag("--check", arguments.check, "Say whether the file has faults, and which; run nothing");
  CLI::Option* next =
      command.add_option("--next", arguments.next, "Show the next firings of all entries; run nothing")
          ->check(CLI::Range(std::size_t{1}, kMostFirings))
          ->type_name("COUNT");
  next->excludes(check);
  command
      .add_option_function<std::string>(
          "--after",
          [&arguments](const std::string& text) {
            const auto instant = parse_instant(text);
            if (!instant) throw CLI::ValidationError("--after", instant.error().message);
            arguments.after = *instant;
          },
          "With --next: those after this instant, such as 2026-03-29T00:00:00Z; default: now")
      ->needs(next)
      ->type_name("INSTANT");
  add_format_option(command, arguments.format);
}

void add_daemon_options(CLI::App& command, CronArguments& arguments) {
  CronSettings& settings = arguments.daemon;
  command.add_option("--max-runs", settings.most_runs, "Commands that run at once on this node; others wait")
      ->check(CLI::Range(1U, 10'000U))
      ->capture_default_str()
      ->type_name("COUNT");
  command.add_flag("!--no-output", settings.show_output,
                   "Leave the commands' output out of the log; its end is in the history all the same");
  add_duration_option(command, "--grace", arguments.lease_grace,
                      "Between TERM and KILL when the lease ends; must fit into it; default: half of what "
                      "fits. At a timeout, or when this node leaves, it is the entry's own");
  add_log_format_option(command, settings.log_format);
  add_pool_arguments(command, settings.pool);
}

}  // namespace

void add_cron_service_option(CLI::App& command, std::string& service) {
  service = "cron";
  command.add_option("--service", service, "The fleet's name: nodes with the same one share the jobs")
      ->check([](const std::string& text) {
        const auto valid = validate(ServiceName(text));
        return valid ? std::string{} : valid.error().message;
      })
      ->capture_default_str()
      ->type_name("NAME");
}

void add_cron(CLI::App& program, Invocation& invocation) {
  auto arguments = std::make_shared<CronArguments>();
  CLI::App* command =
      program.add_subcommand("cron", "A crontab for a fleet: each entry runs on one of its machines");
  // Not required here: a sub-command of this one stands in its place. CLI11 looks for those first, so a file
  // that is called like one is given as ./list.
  command
      ->add_option("FILE", arguments->daemon.input.path,
                   "A crontab, or a file of jobs in TOML; - for standard input")
      ->type_name("");
  add_store_option(*command, invocation);
  add_cron_service_option(*command, arguments->daemon.pool.service);
  add_file_options(*command, arguments->daemon.input);
  add_look_options(*command, *arguments);
  add_daemon_options(*command, *arguments);
  add_cron_control(*command, invocation);
  command->footer(
      "Examples:\n"
      "  nodepool cron fleet.crontab                    run it; the same line on every machine\n"
      "  nodepool cron list                             every job of the fleet, and how it goes\n"
      "  nodepool cron fleet.crontab --check\n"
      "  nodepool cron fleet.toml --next 10\n"
      "  nodepool cron /etc/crontab --system --next 5 --after 2026-03-29T00:00:00Z\n"
      "Exit code 2 and a line FILE:LINE:COLUMN: message for each fault (docs/cron-files.md). docs/cron.md: "
      "how\n"
      "jobs are run.");
  command->callback([command, arguments, &invocation] {
    // The callbacks of sub-commands come before this one, and have said what is to be run.
    if (!command->get_subcommands().empty()) return;
    if (arguments->daemon.input.path.empty()) throw CLI::RequiredError("FILE");
    invocation.run = [arguments, &invocation] { return run_cron(*arguments, invocation); };
  });
}

}  // namespace nodepool::cli
