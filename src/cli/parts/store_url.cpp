#include "cli/parts/store_url.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "nodepool/redis.hpp"
#include "nodepool/sqlite.hpp"

namespace nodepool::cli {
namespace {

constexpr std::string_view kSqlite = "sqlite:";
constexpr std::string_view kKnownUrls =
    "redis://HOST:PORT (rediss: TLS), redis+sentinel://HOSTS/NAME, redis+cluster://HOSTS, "
    "unix:///PATH/OF/SOCKET "
    "or sqlite:PATH";

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string private_folder() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe): before any thread.
  if (runtime != nullptr && *runtime != '\0' && is_folder(runtime))
    return fmt::format("{}/nodepool", runtime);
  return fmt::format("/tmp/nodepool-{}", ::geteuid());
}

/// Somebody else may have made the folder first, in order to read or to forge what we put there.
Result<void> make_private(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return failure(
        ErrorCode::permission_denied,
        fmt::format("the folder {} of the default store cannot be made ({}); name a store with --store",
                    folder, std::generic_category().message(errno)));
  }
  struct stat info {};
  const bool seen = ::lstat(folder.c_str(), &info) == 0;
  if (!seen || !S_ISDIR(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 077) != 0) {
    return failure(
        ErrorCode::permission_denied,
        fmt::format("{} is not a folder that only this user can use, so the default store is not put "
                    "there; remove it, or name a store with --store",
                    folder));
  }
  return {};
}

Result<std::shared_ptr<Driver>> open_file(const std::string& path, StoreUse use) {
  struct stat info {};
  if (use == StoreUse::observe && !path.empty() && ::stat(path.c_str(), &info) != 0) {
    return failure(ErrorCode::not_found,
                   fmt::format("there is no store at {} ({}); has a node joined with this --store?", path,
                               std::generic_category().message(errno)));
  }
  return open_sqlite(path);
}

/// What may be shown of a URL that was not understood: never what could be a password.
std::string_view scheme_of(std::string_view url) {
  return url.substr(0, std::min(url.find(':'), std::size_t{20}));
}

Result<std::shared_ptr<Driver>> open_shared_pool(std::string_view url, const StoreLayout& layout) {
  if (!url.starts_with("redis") && !url.starts_with("unix://")) {
    return failure(ErrorCode::invalid_argument,
                   "a pool of go-dispatch lives on a Redis server; name it with --store redis://HOST:PORT");
  }
  return parse_redis_url(url).and_then([&](RedisOptions redis) {
    GoDispatchOptions options{.redis = std::move(redis), .layout = *layout.go_dispatch};
    if (layout.period) options.period = *layout.period;
    if (layout.prefix) options.prefix = *layout.prefix;
    return open_go_dispatch(std::move(options));
  });
}

}  // namespace

Result<std::string> default_store_url() {
  const std::string folder = private_folder();
  if (auto made = make_private(folder); !made) return tl::unexpected(made.error());
  return fmt::format("{}{}/nodepool.db", kSqlite, folder);
}

Result<std::shared_ptr<Driver>> open_store(std::string_view url, StoreUse use, const StoreLayout& layout) {
  if (layout.go_dispatch) return open_shared_pool(url, layout);
  if (layout.period || layout.prefix) {
    return failure(ErrorCode::invalid_argument,
                   "--period and --prefix are of go-dispatch's pools; add --driver go-dispatch-key or "
                   "go-dispatch-zset");
  }
  if (url.starts_with("redis") || url.starts_with("unix://")) return open_redis(url);
  if (url.starts_with(kSqlite)) return open_file(std::string(url.substr(kSqlite.size())), use);
  if (url.starts_with("memory:")) {
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("a memory: store lives inside one process, so no other node could see it; use {}",
                    kKnownUrls));
  }
  return failure(
      ErrorCode::invalid_argument,
      fmt::format("\"{}\" is no kind of store that nodepool knows; use {}", scheme_of(url), kKnownUrls));
}

}  // namespace nodepool::cli
