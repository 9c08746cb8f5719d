#include "cli/parts/store_url.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "driver/common/descriptor.hpp"
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

bool is_server(std::string_view url) {
  return (url.starts_with("redis") || url.starts_with("unix:")) && url.find("://") != std::string_view::npos;
}

/// Where the URL says who comes, between "//" and "@": from, size; no size if it does not say.
struct UserPlace {
  std::size_t begin = 0;
  std::optional<std::size_t> size;
};
UserPlace user_place(std::string_view url) {
  const std::size_t begin = url.find("://") + 3;
  const std::string_view authority = url.substr(begin, url.find_first_of("/?", begin) - begin);
  const auto at = authority.rfind('@');
  if (at == std::string_view::npos) return {begin, std::nullopt};
  return {begin, at};
}

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char byte : text) {
    const bool is_plain =
        (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    encoded += is_plain ? std::string(1, byte) : fmt::format("%{:02X}", static_cast<unsigned char>(byte));
  }
  return encoded;
}

/// What may be shown of a URL that was not understood: never what could be a password.
std::string_view scheme_of(std::string_view url) {
  const std::string_view scheme = url.substr(0, std::min(url.find("://"), url.size()));
  const bool plain = scheme.size() < url.size() && scheme.size() <= 20 &&
                     scheme.find_first_not_of("abcdefghijklmnopqrstuvwxyz+") == std::string_view::npos;
  return plain ? scheme : "that";
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

Result<PasswordFile> read_password_file(const std::string& path) {
  constexpr std::size_t kMost = 4096;
  const auto unusable = [&](std::string_view why) {
    return failure(ErrorCode::invalid_argument,
                   fmt::format("the password file {} cannot be used: {}", path, why));
  };
  const driver::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) return unusable(std::generic_category().message(errno));
  std::string text;
  std::array<char, kMost> buffer{};
  while (text.size() < kMost && text.find('\n') == std::string::npos) {
    const auto size = ::read(file.get(), buffer.data(), kMost - text.size());
    if (size < 0) return unusable(std::generic_category().message(errno));
    if (size == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  if (text.size() == kMost) return unusable("its first line is too long");
  text.erase(std::min(text.find('\n'), text.size()));
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return unusable("its first line is empty");
  return PasswordFile{std::move(text), S_ISREG(info.st_mode) && (info.st_mode & S_IROTH) != 0};
}

bool shows_password(std::string_view url) {
  return has_password(url) || (is_server(url) && url.find("sentinel_password=") != std::string_view::npos);
}

bool has_password(std::string_view url) {
  if (!is_server(url)) return false;
  const UserPlace place = user_place(url);
  const std::string_view user = url.substr(place.begin, place.size.value_or(0));
  const auto colon = user.find(':');
  return colon != std::string_view::npos && colon + 1 < user.size();
}

Result<std::string> with_password(std::string_view url, std::string_view password) {
  if (!is_server(url)) {
    return failure(ErrorCode::invalid_argument,
                   "a password file is for a server: give its URL with --store or NODEPOOL_STORE");
  }
  if (has_password(url)) return std::string(url);
  const UserPlace place = user_place(url);
  const std::string_view user = url.substr(place.begin, place.size.value_or(0));
  const std::string_view rest = url.substr(place.begin + (place.size ? *place.size + 1 : 0));
  return fmt::format("{}{}:{}@{}", url.substr(0, place.begin), user.substr(0, user.find(':')),
                     percent_encode(password), rest);
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
      fmt::format("{} is no kind of store that nodepool knows; use {}", scheme_of(url), kKnownUrls));
}

}  // namespace nodepool::cli
