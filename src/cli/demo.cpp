#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "cli/command.hpp"
#include "cli/demo_play.hpp"
#include "cli/parts/clock_text.hpp"

namespace nodepool::cli {
namespace {

/// A folder for one run; removed with all that is in it.
class ScratchFolder {
 public:
  ScratchFolder() : path_(std::filesystem::temp_directory_path() / "nodepool-demo-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) throw std::system_error(errno, std::generic_category(), path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

/// A service of its own for each run, so that runs on one server do not meet.
std::string unique_service() {
  return fmt::format("demo-{}-{:x}", ::getpid(), unix_ns(std::chrono::system_clock::now()));
}

/// Opens the store and looks whether it answers: six processes would tell the same trouble, later and less
/// clearly.
Result<std::unique_ptr<Session>> reach(const DemoSettings& settings) {
  auto driver = open_store(settings.store, StoreUse::join);
  if (!driver) return tl::unexpected(driver.error());
  auto session = (*driver)->open(ServiceName(settings.service));
  const auto status = session->status(patience());
  if (!status && status.error().code != ErrorCode::not_found) return tl::unexpected(status.error());
  return session;
}

int run_demo(DemoSettings settings, const Invocation& invocation) {
  SignalWatch signals;
  std::unique_ptr<ScratchFolder> scratch;
  auto store = named_store(invocation);
  if (!store) return fail(store.error());
  settings.store = *std::move(store);
  if (settings.store.empty()) {
    scratch = std::make_unique<ScratchFolder>();
    settings.store = fmt::format("sqlite:{}/demo.db", scratch->path());
  }
  settings.service = unique_service();
  auto session = reach(settings);
  if (!session) return fail(session.error());
  DemoPlay play(settings, signals, *std::move(session));
  return play.run();
}

}  // namespace

void add_demo(CLI::App& program, Invocation& invocation) {
  constexpr unsigned kFewestNodes = 3;  // One leaves, one crashes, one freezes.
  constexpr unsigned kMostNodes = 50;
  constexpr unsigned kMostJobs = 1000;
  auto settings = std::make_shared<DemoSettings>();
  CLI::App* command = program.add_subcommand(
      "demo", "Play joining, leaving, a crash and a freeze with real processes, and measure it");
  add_store_option(*command, invocation);
  command->add_option("--nodes", settings->nodes, "Nodes to begin with")
      ->check(CLI::Range(kFewestNodes, kMostNodes))
      ->capture_default_str()
      ->type_name("COUNT");
  command->add_option("--jobs", settings->jobs, "Jobs to share")
      ->check(CLI::Range(1U, kMostJobs))
      ->capture_default_str()
      ->type_name("COUNT");
  command->footer(
      "Examples:\n"
      "  nodepool demo\n"
      "  nodepool demo --nodes 8 --jobs 50 --store redis://127.0.0.1\n"
      "Uses a new SQLite file unless it is told a store. Exit code 1 if two nodes ever ran one job at one "
      "instant.");
  command->callback([settings, &invocation] {
    invocation.run = [settings, &invocation] { return run_demo(*settings, invocation); };
  });
}

}  // namespace nodepool::cli
