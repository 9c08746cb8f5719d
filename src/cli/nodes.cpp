#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "cli/command.hpp"
#include "cli/parts/output.hpp"
#include "cli/parts/pool_report.hpp"
#include "cli/parts/signals.hpp"

namespace nodepool::cli {
namespace {

struct NodesArguments {
  std::string service;
  bool watch = false;
  Format format = Format::text;
};

std::string report(const NodesArguments& arguments, const PoolStatus& status, const Driver& driver) {
  const Capabilities store = driver.capabilities();
  return arguments.format == Format::json ? pool_json(arguments.service, status, store) + '\n'
                                          : pool_text(arguments.service, status, store);
}

int run_once(const NodesArguments& arguments, const Invocation& invocation) {
  const auto observer = Observer::open(invocation, arguments.service);
  if (!observer) return fail(observer.error());
  const auto status = observer->status();
  if (!status) return fail(status.error());
  if (write_all(STDOUT_FILENO, report(arguments, *status, *observer->driver))) return kDone;
  complain("the output could not be written");
  return kFailed;
}

/// On a terminal each report takes the place of the one before; elsewhere they follow each other.
bool show(const std::string& text, Format format) {
  constexpr std::string_view kClear = "\x1b[H\x1b[2J";
  if (format == Format::text && ::isatty(STDOUT_FILENO) == 1)
    return write_all(STDOUT_FILENO, std::string(kClear) + text);
  return write_all(STDOUT_FILENO, format == Format::text ? text + '\n' : text);
}

/// A hint says that something has changed; leases change all the time, so there is a look every second too.
int run_watch(const NodesArguments& arguments, const Invocation& invocation) {
  constexpr std::chrono::seconds kPause{1};
  const SignalWatch signals;
  const auto observer = Observer::open(invocation, arguments.service);
  if (!observer) return fail(observer.error());
  std::string trouble;
  bool seen = false;
  while (!signals.stop_token().stop_requested()) {
    const MonotonicTime next_look = BootClock::now() + kPause;
    const auto status = observer->status();
    if (!status && !seen) return fail(status.error());  // A store that fails later may come back.
    if (!status && status.error().message != trouble) complain(status.error().message);
    trouble = status ? std::string{} : status.error().message;
    seen = true;
    if (status && !show(report(arguments, *status, *observer->driver), arguments.format)) return kDone;
    [[maybe_unused]] const auto hints = observer->session->wait(next_look, signals.wake_fd());
  }
  return kDone;
}

}  // namespace

void add_nodes(CLI::App& program, Invocation& invocation) {
  auto arguments = std::make_shared<NodesArguments>();
  CLI::App* command = program.add_subcommand("nodes", "List the nodes of a pool, without joining");
  add_store_option(*command, invocation);
  add_driver_options(*command, invocation);
  add_service_argument(*command, arguments->service);
  command->add_flag("--watch", arguments->watch,
                    "Go on showing until Ctrl-C, at each change and each second");
  add_format_option(*command, arguments->format);
  command->footer(
      "Examples:\n"
      "  nodepool nodes billing\n"
      "  nodepool nodes billing --watch\n"
      "  nodepool nodes billing --format json | jq '.members[].name'");
  command->callback([arguments, &invocation] {
    invocation.run = [arguments, &invocation] {
      return arguments->watch ? run_watch(*arguments, invocation) : run_once(*arguments, invocation);
    };
  });
}

}  // namespace nodepool::cli
