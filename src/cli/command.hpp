#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/parts/run_log.hpp"
#include "cli/parts/store_url.hpp"
#include "nodepool/driver.hpp"
#include "nodepool/placement.hpp"

/// What the sub-commands share. Each lives in its own file and offers one function that adds it to the
/// program.

namespace nodepool::cli {

/// Exit codes, as other programs rely on them.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

enum class Format { text, json };

/// The command line, as far as it is common to all, and the sub-command that it chose.
struct Invocation {
  std::string store;          ///< As given by --store; empty: the environment or the default.
  std::string password_file;  ///< As given by --store-password-file.
  StoreLayout layout;         ///< As given by --driver, --period and --prefix.
  std::function<int()> run;   ///< Set by the sub-command that was named.
};

void add_join(CLI::App& program, Invocation& invocation);
void add_run(CLI::App& program, Invocation& invocation);
void add_nodes(CLI::App& program, Invocation& invocation);
void add_owner(CLI::App& program, Invocation& invocation);
void add_ring(CLI::App& program, Invocation& invocation);
void add_drain(CLI::App& program, Invocation& invocation);
void add_demo(CLI::App& program, Invocation& invocation);
void add_doctor(CLI::App& program, Invocation& invocation);
void add_cron(CLI::App& program, Invocation& invocation);
/// The sub-commands of cron that look at a fleet's jobs, and ask for them.
void add_cron_control(CLI::App& cron, Invocation& invocation);

/// Options that several sub-commands have.
void add_store_option(CLI::App& command, Invocation& invocation);
/// --driver, --period and --prefix: for commands that also work with the pools of go-dispatch.
void add_driver_options(CLI::App& command, Invocation& invocation);
void add_service_argument(CLI::App& command, std::string& service);
/// --service, with the default of all commands that have to do with cron.
void add_cron_service_option(CLI::App& command, std::string& service);
void add_format_option(CLI::App& command, Format& format);
/// --log-format logfmt or json.
void add_log_format_option(CLI::App& command, LogFormat& format);
void add_duration_option(CLI::App& command, const std::string& name, std::chrono::milliseconds& value,
                         const std::string& help);
/// The same for one without a default; `value` is left alone unless it is given.
CLI::Option* add_duration_option(CLI::App& command, const std::string& name,
                                 std::optional<std::chrono::milliseconds>& value, const std::string& help);
/// --placement ring, rendezvous or rendezvous-fine.
void add_placement_option(CLI::App& command, PlacementKind& placement, const std::string& help);
/// A repeatable option that takes one value each time, so that it never swallows the positional arguments
/// after it.
CLI::Option* add_list_option(CLI::App& command, const std::string& name, std::vector<std::string>& values,
                             const std::string& help);

/// Says one sentence on stderr.
void complain(std::string_view sentence);
/// Says what went wrong; returns the exit code: kUsage for an invalid argument, else kFailed.
int fail(const Error& error);

/// The URL that the user has named: --store, else NODEPOOL_STORE, with the password of --store-password-file
/// unless it has one of its own; empty if none is named. Warns on stderr of a password that others can see.
[[nodiscard]] Result<std::string> named_store(const Invocation& invocation);
/// The URL to use: the one that is named, else the default file.
[[nodiscard]] Result<std::string> store_url(const Invocation& invocation);
/// The store that the command line means, opened.
[[nodiscard]] Result<std::shared_ptr<Driver>> open_store(const Invocation& invocation, StoreUse use);

/// An observer's line to a pool: what it is called, and where.
struct Observer {
  std::string service;
  std::shared_ptr<Driver> driver;
  std::unique_ptr<Session> session;

  [[nodiscard]] static Result<Observer> open(const Invocation& invocation, const std::string& service);
  /// The pool's present state; the error says which service in which store.
  [[nodiscard]] Result<PoolStatus> status() const;
};

/// When a command that asks the store once gives up.
[[nodiscard]] MonotonicTime patience();

}  // namespace nodepool::cli
