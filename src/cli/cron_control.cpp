// What can be seen and asked of a fleet's cron jobs from any machine that reaches the store.

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "cli/command.hpp"
#include "cli/parts/job_report.hpp"
#include "cli/parts/output.hpp"
#include "nodepool/cron.hpp"

namespace nodepool::cli {
namespace {

struct ControlArguments {
  std::string service;
  std::string job;
  std::size_t most = 20;
  Format format = Format::text;
  bool with_details = false;
};

Result<cron::JobControl> open_control(const ControlArguments& arguments, const Invocation& invocation) {
  const auto driver = open_store(invocation, StoreUse::observe);
  if (!driver) return tl::unexpected(driver.error());
  return cron::JobControl::open(**driver, ServiceName(arguments.service));
}

int put_out(const std::string& text) {
  if (write_all(STDOUT_FILENO, text)) return kDone;
  complain("the output could not be written");
  return kFailed;
}

int list_jobs(const ControlArguments& arguments, const Invocation& invocation) {
  auto control = open_control(arguments, invocation);
  if (!control) return fail(control.error());
  const auto jobs = control->list(patience());
  if (!jobs) return fail(jobs.error());
  std::vector<ReportedJob> reported;
  for (const cron::FleetJob& job : *jobs) {
    auto last = control->history(job.name, 1, patience());
    if (!last && last.error().code == ErrorCode::not_found) continue;  // Forgotten meanwhile.
    if (!last) return fail(last.error());
    reported.push_back({job, last->empty() ? std::nullopt : std::optional(last->front())});
  }
  const WallTime now = std::chrono::system_clock::now();
  return put_out(arguments.format == Format::json ? jobs_json(reported, now) : jobs_text(reported, now));
}

int show_history(const ControlArguments& arguments, const Invocation& invocation) {
  auto control = open_control(arguments, invocation);
  if (!control) return fail(control.error());
  const auto entries = control->history(arguments.job, arguments.most, patience());
  if (!entries) return fail(entries.error());
  return put_out(arguments.format == Format::json ? history_json(*entries)
                                                  : history_text(*entries, arguments.with_details));
}

/// A wish for one job, and what to say when it is written down.
template <class Wish>
int ask_for(const ControlArguments& arguments, const Invocation& invocation, Wish wish, const char* said) {
  auto control = open_control(arguments, invocation);
  if (!control) return fail(control.error());
  if (const auto done = wish(*control); !done) return fail(done.error());
  return put_out(fmt::format("{} {}\n", arguments.job, said));
}

using Action = int (*)(const ControlArguments&, const Invocation&);

int pause_job(const ControlArguments& arguments, const Invocation& invocation) {
  return ask_for(
      arguments, invocation,
      [&](cron::JobControl& control) { return control.pause(arguments.job, patience()); },
      "is paused: no instant is run until it is resumed; runs that go on go on.");
}

int resume_job(const ControlArguments& arguments, const Invocation& invocation) {
  return ask_for(
      arguments, invocation,
      [&](cron::JobControl& control) {
        return control.resume(arguments.job, std::chrono::system_clock::now(), patience());
      },
      "goes on; what has passed meanwhile is not run.");
}

int run_job(const ControlArguments& arguments, const Invocation& invocation) {
  return ask_for(
      arguments, invocation,
      [&](cron::JobControl& control) {
        return control.run_now(arguments.job, std::chrono::system_clock::now(), patience());
      },
      "was asked for; its node starts it within a second or so (see \"nodepool cron history\").");
}

int forget_job(const ControlArguments& arguments, const Invocation& invocation) {
  return ask_for(
      arguments, invocation,
      [&](cron::JobControl& control) { return control.forget(arguments.job, patience()); },
      "is forgotten, with its history.");
}

CLI::App* add_action(CLI::App& cron, Invocation& invocation, const std::string& name, const std::string& help,
                     const std::shared_ptr<ControlArguments>& arguments, Action action) {
  CLI::App* command = cron.add_subcommand(name, help);
  add_store_option(*command, invocation);
  add_cron_service_option(*command, arguments->service);
  command->callback([arguments, &invocation, action] {
    invocation.run = [arguments, &invocation, action] { return action(*arguments, invocation); };
  });
  return command;
}

void add_job_action(CLI::App& cron, Invocation& invocation, const std::string& name, const std::string& help,
                    Action action) {
  const auto arguments = std::make_shared<ControlArguments>();
  add_action(cron, invocation, name, help, arguments, action)
      ->add_option("JOB", arguments->job, "The job's name")
      ->required()
      ->type_name("");
}

}  // namespace

void add_cron_control(CLI::App& cron, Invocation& invocation) {
  const auto listing = std::make_shared<ControlArguments>();
  add_format_option(*add_action(cron, invocation, "list", "Every job that the fleet has had, and how it goes",
                                listing, list_jobs),
                    listing->format);

  const auto history = std::make_shared<ControlArguments>();
  CLI::App* command =
      add_action(cron, invocation, "history", "A job's last runs, newest first, and why there was none",
                 history, show_history);
  command->add_option("JOB", history->job, "The job's name")->required()->type_name("");
  command->add_option("--last", history->most, "How many")
      ->check(CLI::Range(std::size_t{1}, kMaxLedgerHistory))
      ->capture_default_str()
      ->type_name("COUNT");
  command->add_flag("--details", history->with_details, "With what was put out, or went wrong");
  add_format_option(*command, history->format);

  add_job_action(cron, invocation, "run", "Run a job once more, now, on its node", run_job);
  add_job_action(cron, invocation, "pause", "Run nothing of a job until it is resumed", pause_job);
  add_job_action(cron, invocation, "resume", "Let a paused job go on", resume_job);
  add_job_action(cron, invocation, "forget", "Remove what the store knows of a job that is gone", forget_job);
}

}  // namespace nodepool::cli
