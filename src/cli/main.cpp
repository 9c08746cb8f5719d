#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/command.hpp"

namespace {

constexpr const char* kAbout =
    "nodepool: the processes of a service form a pool and agree which of them runs each job.";
constexpr const char* kExamples =
    "Examples:\n"
    "  nodepool demo                                  see a pool survive a crash, in 15 seconds\n"
    "  nodepool join billing --jobs 3                 become a node; stop with Ctrl-C\n"
    "  nodepool run billing --job report -- ./report  run a command on exactly one node\n"
    "  nodepool nodes billing                         who is in the pool\n"
    "  nodepool owner billing job0 job1               who runs these jobs\n"
    "  nodepool --store redis://127.0.0.1 nodes billing\n"
    "Exit codes: 0 done, 1 failed (one sentence on stderr), 2 wrong usage; run has some of its own.";

/// Where a standard stream is closed, the store's connection would be opened in its place, and written to in
/// its name. Opened the wrong way round, so that using it still fails.
void occupy_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    [[maybe_unused]] const int taken = ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

int run(int argc, char** argv) {
  using namespace nodepool::cli;
  CLI::App program(kAbout, "nodepool");
  Invocation invocation;
  program.footer(kExamples);
  program.set_version_flag("--version", std::string("nodepool ") + NODEPOOL_VERSION);
  program.require_subcommand(1);
  add_store_option(program, invocation);
  add_demo(program, invocation);
  add_join(program, invocation);
  add_run(program, invocation);
  add_nodes(program, invocation);
  add_owner(program, invocation);
  add_ring(program, invocation);
  add_drain(program, invocation);
  add_doctor(program, invocation);
  add_cron(program, invocation);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return program.exit(error);
    const std::vector<std::string> strays = program.remaining();
    const bool unknown = program.get_subcommands().empty() && !strays.empty();
    complain((unknown ? "there is no sub-command \"" + strays.front() + "\"" : error.what()) +
             " (see --help)");
    return kUsage;
  }
  return invocation.run();
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_streams();
  // A reader that is gone is told by write(), where it can be answered by leaving the pool cleanly.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const int code = run(argc, argv);
    if (std::fflush(stdout) == 0 || code != nodepool::cli::kDone) return code;
    nodepool::cli::complain("the output could not be written");
  } catch (const std::exception& error) {
    nodepool::cli::complain(error.what());
  }
  return nodepool::cli::kFailed;
}
