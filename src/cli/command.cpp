#include "cli/command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/parts/duration.hpp"
#include "cli/parts/output.hpp"

namespace nodepool::cli {

namespace {

/// An empty text is a variable that was not set: it must not lead to a store that nobody meant.
std::string refuse_empty(const std::string& text) {
  return text.empty() ? "it is empty; leave the option out, or give it a value" : "";
}

/// `Duration`: milliseconds, or an optional of them.
template <class Duration>
CLI::Option* add_duration(CLI::App& command, const std::string& name, Duration& value,
                          const std::string& help) {
  return command
      .add_option_function<std::string>(
          name,
          [&value, name](const std::string& text) {
            const auto parsed = parse_duration(text);
            if (!parsed) throw CLI::ValidationError(name, parsed.error().message);
            value = *parsed;
          },
          help)
      ->type_name("TIME");
}

}  // namespace

void add_store_option(CLI::App& command, Invocation& invocation) {
  command
      .add_option("--store", invocation.store,
                  "redis://HOST:PORT and its kin (docs/redis.md), unix:///SOCKET or sqlite:PATH; default: "
                  "$NODEPOOL_STORE, else a file of this user")
      ->check(refuse_empty)
      ->type_name("URL");
  command
      .add_option("--store-password-file", invocation.password_file,
                  "A file whose first line is the password, for a URL without one")
      ->check(refuse_empty)
      ->type_name("FILE");
}

void add_driver_options(CLI::App& command, Invocation& invocation) {
  StoreLayout& layout = invocation.layout;
  command
      .add_option_function<std::string>(
          "--driver",
          [&layout](const std::string& text) {
            if (text != "nodepool" && text != "go-dispatch-key" && text != "go-dispatch-zset") {
              throw CLI::ValidationError(
                  "--driver",
                  fmt::format("\"{}\" is no driver; write nodepool, go-dispatch-key or go-dispatch-zset",
                              text));
            }
            layout.go_dispatch.reset();
            if (text == "go-dispatch-key") layout.go_dispatch = GoDispatchLayout::key;
            if (text == "go-dispatch-zset") layout.go_dispatch = GoDispatchLayout::zset;
          },
          "nodepool, or the one that the nodes in Go use: go-dispatch-key or go-dispatch-zset")
      ->type_name("DRIVER")
      ->default_str("nodepool");
  add_duration_option(command, "--period", layout.period,
                      "go-dispatch's update duration; the same on all nodes")
      ->default_str(format_duration(GoDispatchOptions{}.period));
  command.add_option("--prefix", layout.prefix, "What go-dispatch's keys begin with; the same on all nodes")
      ->type_name("TEXT")
      ->default_str(GoDispatchOptions{}.prefix);
}

void add_service_argument(CLI::App& command, std::string& service) {
  command.add_option("SERVICE", service, "The pool's name")
      ->required()
      ->type_name("")
      ->check([](const std::string& text) {
        const auto valid = validate(ServiceName(text));
        return valid ? std::string{} : valid.error().message;
      });
}

void add_format_option(CLI::App& command, Format& format) {
  command
      .add_option_function<std::string>(
          "--format",
          [&format](const std::string& text) {
            if (text != "text" && text != "json") {
              throw CLI::ValidationError("--format",
                                         fmt::format("\"{}\" is no format; write text or json", text));
            }
            format = text == "json" ? Format::json : Format::text;
          },
          "text or json")
      ->type_name("FORMAT")
      ->default_str("text");
}

void add_log_format_option(CLI::App& command, LogFormat& format) {
  command
      .add_option_function<std::string>(
          "--log-format",
          [&format](const std::string& text) {
            if (text != "logfmt" && text != "json") {
              throw CLI::ValidationError("--log-format",
                                         fmt::format("\"{}\" is no format; write logfmt or json", text));
            }
            format = text == "json" ? LogFormat::json : LogFormat::logfmt;
          },
          "logfmt or json, on stderr")
      ->type_name("FORMAT")
      ->default_str("logfmt");
}

void add_duration_option(CLI::App& command, const std::string& name, std::chrono::milliseconds& value,
                         const std::string& help) {
  add_duration(command, name, value, help)->default_str(format_duration(value));
}

CLI::Option* add_duration_option(CLI::App& command, const std::string& name,
                                 std::optional<std::chrono::milliseconds>& value, const std::string& help) {
  return add_duration(command, name, value, help);
}

void add_placement_option(CLI::App& command, PlacementKind& placement, const std::string& help) {
  command
      .add_option_function<std::string>(
          "--placement",
          [&placement](const std::string& text) {
            if (text != "ring" && text != "rendezvous" && text != "rendezvous-fine") {
              throw CLI::ValidationError(
                  "--placement",
                  fmt::format("\"{}\" is no placement; write ring, rendezvous or rendezvous-fine", text));
            }
            placement = text == "ring"         ? PlacementKind::ring
                        : text == "rendezvous" ? PlacementKind::rendezvous
                                               : PlacementKind::rendezvous_fine;
          },
          help)
      ->type_name("RULE")
      ->default_str("ring");
}

CLI::Option* add_list_option(CLI::App& command, const std::string& name, std::vector<std::string>& values,
                             const std::string& help) {
  return command.add_option(name, values, help)->allow_extra_args(false)->take_all();
}

void complain(std::string_view sentence) {
  // A sentence that nobody can be told is no further trouble.
  [[maybe_unused]] const bool told = write_all(STDERR_FILENO, fmt::format("nodepool: {}\n", sentence));
}

int fail(const Error& error) {
  complain(error.message);
  return error.code == ErrorCode::invalid_argument ? kUsage : kFailed;
}

Result<std::string> named_store(const Invocation& invocation) {
  if (shows_password(invocation.store)) {
    complain(
        "warning: other users of this machine can see the password in --store; put the URL into "
        "NODEPOOL_STORE, or the password into a file for --store-password-file");
  }
  const char* environment = std::getenv("NODEPOOL_STORE");  // NOLINT(concurrency-mt-unsafe): no thread yet.
  std::string url = invocation.store;
  if (url.empty() && environment != nullptr) url = environment;
  if (invocation.password_file.empty()) return url;
  const auto file = read_password_file(invocation.password_file);
  if (!file) return tl::unexpected(file.error());
  if (file->is_open_to_all) {
    complain(
        fmt::format("warning: any user of this machine can read the password in {}; chmod o-r takes "
                    "that away",
                    invocation.password_file));
  }
  return with_password(url, file->password);
}

Result<std::string> store_url(const Invocation& invocation) {
  auto named = named_store(invocation);
  return named && named->empty() ? default_store_url() : named;
}

Result<std::shared_ptr<Driver>> open_store(const Invocation& invocation, StoreUse use) {
  const auto url = store_url(invocation);
  if (!url) return tl::unexpected(url.error());
  return open_store(*url, use, invocation.layout);
}

Result<Observer> Observer::open(const Invocation& invocation, const std::string& service) {
  auto driver = open_store(invocation, StoreUse::observe);
  if (!driver) return tl::unexpected(driver.error());
  auto session = (*driver)->open(ServiceName(service));
  return Observer{service, *std::move(driver), std::move(session)};
}

Result<PoolStatus> Observer::status() const {
  auto status = session->status(patience());
  if (!status && status.error().code == ErrorCode::not_found) {
    return failure(ErrorCode::not_found,
                   fmt::format("the store {} knows no service \"{}\"; has a node joined it?",
                               driver->describe(), service));
  }
  return status;
}

MonotonicTime patience() {
  constexpr std::chrono::seconds kPatience{5};
  return BootClock::now() + kPatience;
}

}  // namespace nodepool::cli
