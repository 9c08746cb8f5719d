#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "nodepool/driver.hpp"
#include "nodepool/go_dispatch.hpp"
#include "nodepool/result.hpp"

namespace nodepool::cli {

/// What a command wants of the store.
enum class StoreUse {
  join,    ///< Becomes part of the pool: a SQLite file is created when it is not there.
  observe  ///< Only looks: a SQLite file that is not there is an error, not a new file.
};

/// Whose pool it is, and so how the store is laid out.
struct StoreLayout {
  std::optional<GoDispatchLayout> go_dispatch;      ///< None: a pool of nodepool's own.
  std::optional<std::chrono::milliseconds> period;  ///< Only of go-dispatch; none: the default.
  std::optional<std::string> prefix;                ///< Only of go-dispatch; none: the default.
};

/// The store that a command uses when it is told none: "sqlite:" and the file `nodepool.db` in a folder only
/// this user can use: `$XDG_RUNTIME_DIR/nodepool` if that variable names a folder, else `/tmp/nodepool-UID`.
/// The folder is created (mode 0700); one that belongs to somebody else or that others can use is refused.
[[nodiscard]] Result<std::string> default_store_url();

/// What a file says to be a password: its first line.
struct PasswordFile {
  std::string password;
  bool is_open_to_all = false;  ///< Any user of the machine can read it.
};
/// Reads at most 4,096 bytes. `invalid_argument` names the file that cannot be read or has no first line.
[[nodiscard]] Result<PasswordFile> read_password_file(const std::string& path);
/// Whether the URL of a server has a password in it.
[[nodiscard]] bool has_password(std::string_view url);
/// True if it has any password, the Sentinels' too: whoever sees the URL sees that.
[[nodiscard]] bool shows_password(std::string_view url);
/// The URL with the password in it, unless it has one of its own. `invalid_argument` if it is not the URL of
/// a server.
[[nodiscard]] Result<std::string> with_password(std::string_view url, std::string_view password);

/// Opens the store that a URL names: `redis://...`, `unix://...`, `sqlite:PATH`. `memory:` is refused: no
/// other process could see it. Errors: `invalid_argument` for a URL that nobody could open (usage),
/// `not_found` for a file that is not there. A server is not contacted yet.
[[nodiscard]] Result<std::shared_ptr<Driver>> open_store(std::string_view url, StoreUse use,
                                                         const StoreLayout& layout = {});

}  // namespace nodepool::cli
